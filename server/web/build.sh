#!/bin/sh
# Builds the page (needs Node 20): fetches its packages where they are not there, checks the types, bundles.
set -eu
cd "$(dirname "$0")"
if [ ! -d node_modules ] || [ package-lock.json -nt node_modules ]; then
    npm ci --no-audit --no-fund --silent
    touch node_modules
fi
npm run --silent check
npm run --silent build
