#!/usr/bin/env bash
# The stores and Jaeger in a cluster, for gateway and services on this machine.
#
#   scripts/dev-infra.sh           installs helm/fractal-lba with values-dev.yaml, forwards its ports, prints the environment
#                                  for npm start, and stays; Ctrl-C ends the forwarding, the stores stay
#   scripts/dev-infra.sh down      uninstalls it; the volumes stay, as Helm leaves them
#
# Passwords are in .env (REDIS_PASSWORD, POSTGRES_PASSWORD); a file that is not there is made, with fresh ones. They go
# into Secrets and are never printed. NAMESPACE (fractal-lba-dev), RELEASE (fractal-lba), ENV_FILE (.env).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

namespace=${NAMESPACE:-fractal-lba-dev}
release=${RELEASE:-fractal-lba}
env_file=${ENV_FILE:-.env}

say() { printf '%s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }
for program in kubectl helm; do
  command -v "$program" >/dev/null || fail "$program is not installed: dev-infra.sh needs kubectl and helm"
done

case ${1:-up} in
  up) ;;
  down)
    helm uninstall "$release" --namespace "$namespace"
    exit
    ;;
  *) fail "scripts/dev-infra.sh, or scripts/dev-infra.sh down" ;;
esac

fresh() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
if [ ! -e "$env_file" ]; then
  (umask 077 && printf 'REDIS_PASSWORD=%s\nPOSTGRES_PASSWORD=%s\n' "$(fresh)" "$(fresh)" >"$env_file")
  say "made $env_file with fresh passwords"
fi

# The value of one variable, as the file has it: the file is read, not run.
value_of() { sed -n "s/^$1=//p" "$env_file" | tail -n 1 | sed "s/^'\(.*\)'\$/\1/; s/^\"\(.*\)\"\$/\1/"; }

# make_secret NAME VARIABLE: by a pipe, because arguments can be seen by every process.
make_secret() {
  local value
  value=$(value_of "$2")
  [ -n "$value" ] || fail "$env_file must have $2=…"
  printf '%s=%s\n' "$2" "$value" |
    kubectl create secret generic "$1" --namespace "$namespace" --from-env-file=/dev/stdin --dry-run=client -o yaml |
    kubectl apply --namespace "$namespace" -f - >&2
}

kubectl create namespace "$namespace" --dry-run=client -o yaml | kubectl apply -f - >&2
make_secret redis-auth-secret REDIS_PASSWORD
make_secret postgres-auth-secret POSTGRES_PASSWORD
helm upgrade --install "$release" helm/fractal-lba --namespace "$namespace" \
  --values helm/fractal-lba/values-dev.yaml --wait --timeout 10m >&2

forwards=()
written=$(mktemp -d)
end() {
  trap - EXIT
  for pid in "${forwards[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -r "$written"
}
trap end EXIT
trap 'exit 0' INT TERM
forward() {
  kubectl port-forward --namespace "$namespace" --address 127.0.0.1 "service/$release-$1" "${@:2}" >"$written/$1" &
  forwards+=($!)
  for _ in {1..300}; do
    grep -q '^Forwarding from' "$written/$1" && return
    kill -0 $! 2>/dev/null || fail "the ports of $release-$1 are not forwarded, as kubectl says above (is one of ${*:2} taken here?)"
    sleep 0.1
  done
  fail "the ports of $release-$1 were not forwarded within 30 s"
}
forward redis 6379
forward postgresql 5432
forward jaeger 4318 16686

cat <<TEXT
set -a; . '$env_file'; set +a
export DEDUP_BACKEND=redis REDIS_ADDR=127.0.0.1:6379
export POSTGRES_CONN='host=127.0.0.1 user=fractal dbname=fractal_lba sslmode=disable'
export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 TRACE_BASE_URL=http://127.0.0.1:16686/trace
npm start
TEXT
say "paste these lines into another terminal (DEDUP_BACKEND=postgres for Postgres); Ctrl-C here ends the forwarding"
# The first that ends takes the others with it: half of an environment is none.
wait -n || true
fail "a forwarding has ended: start this again"
