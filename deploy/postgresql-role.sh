#!/bin/sh
# Makes the role and the database of the practice, in a PostgreSQL that is new: docker-compose.yml runs it once, by the
# image's own entrypoint. The role is no superuser: it owns its database, which is enough for every migration, since
# btree_gist is an extension that PostgreSQL trusts (since 13). Elsewhere, as a superuser:
#   DATABASE_PASSWORD_FILE=/path/to/it sh deploy/postgresql-role.sh
set -eu
export DATABASE_PASSWORD_FILE
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname "${POSTGRES_DB:-postgres}" <<'SQL'
\set password `cat "$DATABASE_PASSWORD_FILE"`
CREATE ROLE practice LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'password';
CREATE DATABASE practice OWNER practice;
REVOKE ALL ON DATABASE practice FROM PUBLIC;
SQL
