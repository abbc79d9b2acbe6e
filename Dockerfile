# One image for the web server, the worker, the scheduler and the migrations: only the command differs.
FROM python:3.11.14-slim-bookworm AS packages
WORKDIR /srv
COPY requirements.txt .
RUN python -m venv /srv/venv \
    && /srv/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement requirements.txt

FROM python:3.11.14-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin practice
COPY --from=packages /srv/venv /srv/venv
WORKDIR /srv/practice
COPY . .
ENV PATH=/srv/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/srv/practice/data \
    HOST=0.0.0.0 \
    LOG_FORMAT=json
# Settings are not read without secrets; these exist while this one command runs, and sign nothing.
RUN mkdir -p data/static \
    && export SECRET_KEY=build FIELD_KEYS=build LOOKUP_KEY=build \
    && python manage.py translations compile \
    && python manage.py collectstatic --no-input --verbosity 0 \
    && python -m compileall -q booking practice
ENV PYTHONDONTWRITEBYTECODE=1
# By number, so that what starts it can see that it is not root.
USER 10001
EXPOSE 8000
CMD ["python", "-m", "gunicorn", "practice.wsgi:application"]
