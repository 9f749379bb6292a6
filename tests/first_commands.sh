#!/usr/bin/env bash
# first_commands.sh PORT - on a fresh Debian: serves, says how long that took, and runs all tests.
# SPDX-License-Identifier: MIT
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

started=$SECONDS
scripts/run.sh --listen "127.0.0.1:$1" &
server=$!
until build/release/faas-server --health --listen "127.0.0.1:$1" 2>/dev/null; do
    kill -0 "$server" # it gave up: so does this
    sleep 0.1
done
echo "the first command serves after $((SECONDS - started)) s"
kill "$server"
wait "$server"
scripts/run.sh test
