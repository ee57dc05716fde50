#!/usr/bin/env bash
# Measures the whole product, trailgate serve, against a direct connection to
# the same sshd, through both doors: bench/gate.sh [bench regexp] [args].
#
#   bench/gate.sh                      everything, median of seven
#   bench/gate.sh 'True|Storm' -rounds 3
set -euo pipefail
cd "$(dirname "$0")/.."
which=${1:-.}
shift || true
bin=$PWD/bin/trailgate
[ -x "$bin" ] || make build
work=$(mktemp -d "${TRAILGATE_BENCH_DIR:-${TMPDIR:-/tmp}}/gate.XXXXXX")
trap 'kill $(jobs -p) 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
export TRAILGATE_DATA_DIR=$work/data
port=${GATE_PORT:-20222} sshd=${SSHD_PORT:-20223} login=$(id -un)
for k in alice hostkey; do ssh-keygen -q -t ed25519 -N '' -f "$work/$k"; done
"$bin" init --admin alice --key "$work/alice.pub" 2>/dev/null
"$bin" ca show user --line >"$work/user_ca.pub"
cat >"$work/sshd_config" <<CONF
Port $sshd
ListenAddress 127.0.0.1
HostKey $work/hostkey
TrustedUserCAKeys $work/user_ca.pub
AuthorizedKeysFile $work/alice.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
MaxStartups 500
MaxSessions 100
Subsystem sftp internal-sftp
SetEnv HOME=$work
CONF
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
/usr/sbin/sshd -D -f "$work/sshd_config" &
"$bin" serve --gate-listen "127.0.0.1:$port" 2>"$work/log" &
server=$!
for _ in $(seq 100); do "$bin" trail status >/dev/null 2>&1 && break; sleep 0.1; done
"$bin" target create web1 --address "127.0.0.1:$sshd" --host-key "$work/hostkey.pub" 2>/dev/null
echo 'permit (principal, action, resource);' | "$bin" policy create all --file - 2>/dev/null
# A session without MFA is an alarm, and 600 of them a second are 600 runs: that
# is measured by itself, below.
"$bin" runbook disable session-without-mfa 2>/dev/null
run() {
	go test ./bench/gate_path -run '^$' -bench "$which" -benchtime 1x -timeout 30m -args -pid $server \
		-key "$work/alice" -direct "127.0.0.1:$sshd" -direct-user "$login" -direct-key "$work/alice" "$@"
}
echo "== the login+target door"
run -gate "127.0.0.1:$port" -user "$login+web1" "$@"
echo "== the jump door"
run -gate web1.tg:22 -user "$login" -jump "alice@127.0.0.1:$port" "$@"

echo "== event to session ended: session-without-mfa enforces, ${ENDED:-30} sessions, one after the other"
"$bin" runbook enable session-without-mfa --mode enforce 2>/dev/null
cat >"$work/config" <<CONF
Host gate
  HostName 127.0.0.1
  Port $port
  User $login+web1
  IdentityFile $work/alice
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
CONF
from=$(date -u '+%Y-%m-%d %H:%M:%S')
for _ in $(seq "${ENDED:-30}"); do
	"$bin" lock list -o csv | sed -n '2,$s/,.*//p' | while read -r id; do "$bin" lock delete "$id" --yes 2>/dev/null; done
	ssh -F "$work/config" gate 'sleep 30' </dev/null 2>/dev/null || true
done
"$bin" query --max-rows 100000 -o csv "SELECT date_diff('millisecond', TIMESTAMP '$from', appendTime) AS at, eventName, sessionId FROM CloudTrailLogs
	WHERE eventName IN ('StartSession', 'EndSession') AND mfaAuthenticated = 'false' AND eventTime >= TIMESTAMP '$from' ORDER BY seq" |
	awk -F, '$2 == "StartSession" {at[$3] = $1} $2 == "EndSession" && at[$3] {print $1 - at[$3]}' | sort -n |
	awk '{v[NR] = $1} END {printf "%d sessions: p50 %s ms, p99 %s ms, max %s ms\n", NR, v[int(NR * .5 + .5)], v[int(NR * .99 + .5)], v[NR]}'
"$bin" trail verify
