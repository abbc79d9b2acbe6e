.PHONY: help run live stack secrets test ci model faults proxies bench lighthouse accessibility lock pictures sbom

help:
	@echo "make run       start the practice on this machine (PORT, DATA_DIR, DATABASE_URL, REDIS_URL)"
	@echo "make live      get this machine ready to serve families: environment, texts, secrets (docs/live.md)"
	@echo "make stack     start the grown form: PostgreSQL, Redis, several workers (WORKERS, DATABASE_URL, REDIS_URL)"
	@echo "make secrets   make what docker-compose.yml needs in secrets/, once"
	@echo "make test      run every test, on SQLite and on PostgreSQL"
	@echo "make ci        what .ci/run does: linters, types, import contracts, then make test"
	@echo "make faults    let each part die under real bookings, and write what it cost into docs/faults.md"
	@echo "make proxies   try deploy/ on the real nginx and Caddy, slow and forging visitors before them"
	@echo "make model     play what families may do against a model, on both engines, for minutes (EXAMPLES=300)"
	@echo "make bench     measure how fast it is, beside how fast it could be (QUICK=1), into docs/performance.md"
	@echo "make lighthouse  measure the pages as a slow phone has them (RUNS=3), into docs/lighthouse.md"
	@echo "make accessibility  walk past every page in each of its states, and write what axe found into docs/accessibility.md"
	@echo "make pictures  renew docs/pictures/ from a demo of its own, all or some (ONLY=\"agenda klaar\")"
	@echo "make sbom      list what is installed to serve (CycloneDX), into sbom.cdx.json"
	@echo "make lock      renew requirements*.txt from requirements*.in"

run:
	@sh scripts/python.sh scripts/run.py --check
	@sh scripts/python.sh scripts/environment.py requirements.txt
	@.venv/bin/python scripts/run.py

live:
	@sh scripts/python.sh scripts/environment.py requirements.txt
	@.venv/bin/python -m scripts.live

stack:
	@sh scripts/python.sh scripts/run.py --check
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python -m scripts.stack

secrets:
	@sh scripts/python.sh -m scripts.secret_files

test:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python scripts/test.py

ci:
	@.ci/run

faults:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python scripts/faults.py

proxies:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python -m scripts.proxies

model:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@for engine in sqlite postgresql; do ENGINE=$$engine MODEL_EXAMPLES=$(or $(EXAMPLES),100) \
		.venv/bin/python -m pytest -q tests/booking/test_model.py || exit 1; done

bench:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python -m benchmarks.run

LIGHTHOUSE = benchmarks/lighthouse

lighthouse: $(LIGHTHOUSE)/node_modules/.package-lock.json
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python -m benchmarks.lighthouse.run

$(LIGHTHOUSE)/node_modules/.package-lock.json: $(LIGHTHOUSE)/package-lock.json
	@command -v npm >/dev/null || { echo "There is no npm. Install it: apt-get install nodejs npm" >&2; exit 1; }
	cd $(LIGHTHOUSE) && npm ci

accessibility:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python scripts/accessibility.py

# The test lock is compiled against the other one, so that tests run on the very versions that serve.
COMPILE = .venv/bin/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header

lock:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	$(COMPILE) requirements.in --output-file requirements.txt
	$(COMPILE) requirements-test.in --constraint requirements.txt --output-file requirements-test.txt

sbom:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --output-reproducible \
		--validate --output-file sbom.cdx.json
	@echo "Written: sbom.cdx.json"

pictures:
	@sh scripts/python.sh scripts/environment.py requirements-test.txt
	@.venv/bin/python -m scripts.pictures $(ONLY)
