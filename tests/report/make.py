#!/usr/bin/env python3
"""Writes run/, the journal that the golden reports are made of: `python3 tests/report/make.py`.

A drill with a bit of everything. Run it again only when the story is to be another one: an old journal
must go on being readable, so a new kind of record is no reason.
"""

import hashlib
import json
import pathlib
import shutil
from datetime import datetime, timedelta, timezone

HERE = pathlib.Path(__file__).parent
RUN = "20261121T030410Z-loans-pitr-k3f9"
ALICE = "alice@bastion-1"
runbook = (HERE / "runbook.yaml").read_bytes()
out = HERE / "run" / RUN
shutil.rmtree(HERE / "run", ignore_errors=True)
for folder in ["attempts", "output", "evidence", "checkpoints", "reports"]:
    (out / folder).mkdir(parents=True)
(out / "runbook.yaml").write_bytes(runbook)


def sha(data):
    return hashlib.sha256(data).hexdigest()


lines = []
prev = sha(runbook)
START = datetime(2026, 11, 21, 3, 4, 10, tzinfo=timezone.utc)


def record(time, kind, body, step=None, attempt=None, of=None, by=ALICE, boot="b0070001"):
    """One line; `time` is a time of the drill's day, or a whole moment."""
    global prev
    at = datetime.fromisoformat(time if "T" in time else f"2026-11-21T{time}+00:00")
    mono = 86_400_000_000_000 + int((at - START) / timedelta(microseconds=1)) * 1000
    line = {"v": 1, "seq": len(lines) + 1, "at": at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"}
    line |= {"boot": boot, "mono": str(mono), "type": kind, "by": by}
    line |= {k: v for k, v in {"step": step, "attempt": attempt, "of": of}.items() if v is not None}
    line |= {"body": body, "prev": prev}
    text = json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
    lines.append(text)
    prev = sha(text.encode())


def request(action, args, env=None):
    return {"action": action, "args": args} | ({"env": env} if env else {})


def digest(asked):
    return sha(json.dumps(asked, separators=(",", ":")).encode())


def printed(stem, text):
    data = text.encode()
    (out / "output" / f"{stem}.log").write_bytes(data)
    return {"file": f"{stem}.log", "sha256": sha(data), "bytes": len(data), "cut": None}


def intend(step, n, asked, at, started, consent=None, consented=None):
    if consent:
        body = {"part": "do"} | consent | {"request": digest(asked)}
        record(consented, "guard_satisfied", body, step)
    token = sha(f"{step}.{n}".encode())[:24]
    record(at, "attempt_intended", {"request": asked, "digest": digest(asked), "token": token}, step, n, "do")
    record(started, "attempt_started", {"pid": None}, step, n, "do")


def finish(step, n, at, outcome, message, result=None, saved=None, expectations=(), output=None):
    body = {"outcome": outcome, "message": message, "result": result, "expectations": list(expectations)}
    body |= {"saved": saved or {}, "output": output}
    record(at, "attempt_finished", body, step, n, "do")


def held(expr, seen, held=True):
    return {"expr": expr, "held": held, "seen": seen}


def moment(text):
    return {"$timestamp": text}


PINS = {"aws.account": "123456789012", "aws.region": "us-east-1"}
CONFIRMED = {"how": "confirmed"}
ENTER = {"how": "enter"}

record("03:04:10", "run_started", {
    "run": RUN, "runbook": "loans-pitr", "runbook_sha256": sha(runbook), "settings_sha256": None,
    "mode": "drill", "environment": "dr", "pins": PINS, "tool": "0.1.0", "operator": ALICE,
    "identity": "self-declared", "incident": "DR-2026-Q4", "organisation": "Example Lending Ltd", "outage_start": "2026-11-21T03:00:00Z",
    "inputs": {
        "db_password": {"$secret": "db_password"}, "restore_to": moment("2026-11-21T03:03:30Z"),
        "smoke_url": "https://loans.dr.example.org/health", "source_cluster": "loanserve",
        "target_cluster": "loanserve-restored",
    },
    "secrets": {"db_password": "env:PGPASSWORD"}, "env": {}, "auto": False, "practice": False,
    "seen": {"as": "changed", "run": "20260820T091500Z-loans-pitr-0b1c", "sha256": "e5" * 32,
             "files": ["runbook.yaml"], "accepted": "shown"},
    "previous": {"run": "20261114T101112Z-vault-snapshot-restore-77aa", "head": "9c" * 32},
})
record("03:04:10.004", "console_attached", {"pid": 4211, "tool": "0.1.0"})
record("03:04:11.250", "preflight", {"overridden": None, "checks": [
    {"name": "psql", "ok": True, "detail": "/usr/bin/psql, 16.4"},
    {"name": "kubectl", "ok": True, "detail": "/usr/local/bin/kubectl"},
    {"name": "clock", "ok": True, "detail": "synchronised, 3 ms off"},
]})
record("03:04:11.900", "target_verified", {"pins": PINS})
record("03:04:12", "anchored", {
    "anchor": 3, "head": sha(lines[2].encode()), "what": "head", "bucket": "example-audit",
    "retain_until": "2033-11-19T03:04:12Z",
    "objects": [{"key": f"steadyhand/{RUN}/0000000003.txt", "version": "hq9.Lx2mV7", "sha256": "4d" * 32, "bytes": 141}],
})
record("03:04:13", "notification_failed", {
    "hook": "statuspage", "about": 1, "occasion": "start", "reason": "no answer within 5 s"})
record("03:04:14", "step_not_applicable", {"when": "run.mode == 'live'"}, "declare")

asked = request("rds.describe_cluster", {"cluster": "loanserve"})
intend("window", 1, asked, "03:05:02.100", "03:05:02.110", ENTER, "03:05:02.090")
finish("window", 1, "03:05:04.700", "succeeded", "loanserve is available", {"identifier": "loanserve"}, {}, [
    held("result.earliest_restorable_time <= inputs.restore_to", "2026-11-14T02:31:00Z <= 2026-11-21T03:03:30Z"),
    held("inputs.restore_to <= result.latest_restorable_time", "2026-11-21T03:03:30Z <= 2026-11-21T03:03:58Z"),
])

script = "kubectl -n loans scale deploy/api --replicas=0\nkubectl -n loans rollout status deploy/api\n"
asked = request("shell", {"run": script})
record("03:06:09.700", "target_verified", {"pins": PINS})
intend("stop_writers", 1, asked, "03:06:10.200", "03:06:10.260", CONFIRMED, "03:06:10.190")
finish("stop_writers", 1, "03:06:52.400", "succeeded", "exit status 0", {"exit": 0}, {}, [], printed(
    "stop_writers.1", "deployment.apps/api scaled\nWaiting for deployment \"api\" rollout to finish: 3 old replicas "
    "are pending termination...\ndeployment \"api\" successfully rolled out\n"))
record("03:06:52.401", "milestone_reached", {"milestone": "writes_stopped", "reason": None}, "stop_writers")

reason = "The DR account has no snapshot quota left: asked for in PLAT-812"
record("03:08:05", "step_skipped", {"reason": reason, "saved": {}}, "snapshot")

asked = request("rds.restore_cluster_to_point_in_time", {
    "source": "loanserve", "target": "loanserve-restored", "to": "2026-11-21T03:03:30Z",
    "subnet_group": "loans-private", "security_groups": ["sg-0a1b2c3d"], "kms_key": "alias/loans"})
typed = {"how": "typed", "phrase": "loanserve-restored"}
record("03:08:58", "guard_refused", {"part": "do", "reason": "typed `loanserve`, not `loanserve-restored`"}, "restore")
record("03:09:19.100", "target_verified", {"pins": PINS})
intend("restore", 1, asked, "03:09:20.050", "03:09:20.060", typed, "03:09:20.040")
finish("restore", 1, "03:09:24.300", "failed", "DBSubnetGroupNotFoundFault: there is no subnet group loans-private: "
       "create it, or name another", None)
note = "The subnet group was renamed by the network team on Thursday; put back by hand for the drill."
record("03:11:02", "note_added", {"text": note}, "restore")
record("03:11:38.800", "target_verified", {"pins": PINS})
intend("restore", 2, asked, "03:11:40.200", "03:11:40.210", typed, "03:11:40.190")
for at, fraction in [("03:12:10", 0.1), ("03:14:10", 0.45), ("03:15:50", 0.7)]:
    record(at, "attempt_progress", {"message": "loanserve-restored is creating", "fraction": fraction}, "restore", 2, "do")
record("03:16:21", "signal_received", {"signal": "SIGHUP"})
record("03:16:21.010", "console_detached", {"reason": "the terminal was lost"})
record("03:17:30", "console_attached", {"pid": 4698, "tool": "0.1.0"})
record("03:21:05.500", "unknown_resolved", {
    "as": "succeeded", "resolved_by": "operator", "result": None, "saved": {},
    "reason": "RDS shows loanserve-restored as available, created 03:11:41Z with this run's tag"}, "restore", 2, "do")

asked = request("rds.create_instance", {
    "instance": "loanserve-restored-1", "cluster": "loanserve-restored", "class": "db.r6g.large"})
record("03:21:38", "target_verified", {"pins": PINS})
intend("writer", 1, asked, "03:21:40", "03:21:40.010", CONFIRMED, "03:21:39.990")
record("03:24:40", "attempt_progress", {"message": "creating", "fraction": None}, "writer", 1, "do")
record("03:25:00.004", "escalation_due", {"after_s": 1500, "to": "Database lead", "contact": "#db-oncall"})
record("03:25:48", "escalation_acknowledged", {"to": "Database lead", "note": "Dana is watching"})
finish("writer", 1, "03:27:58.300", "succeeded", "loanserve-restored-1 is available", {"identifier": "loanserve-restored-1"})

sql = "psql -h \"$HOST\" -U app -Atc \"select count(*), max(created_at) from loans\""
asked = request("shell", {"run": sql}, {"HOST": "loanserve-restored.cluster.local", "PGPASSWORD": "«secret db_password»"})
expr = "int(result.stdout.split('|')[0]) >= 120000"
intend("rows", 1, asked, "03:28:20", "03:28:20.050", ENTER, "03:28:19.990")
finish("rows", 1, "03:28:21.900", "failed", "expected int(result.stdout.split('|')[0]) >= 120000", {"exit": 0}, {},
       [held(expr, "0 >= 120000", False)], printed("rows.1", "0|\n"))
intend("rows", 2, asked, "03:28:51.900", "03:28:51.950")
finish("rows", 2, "03:28:53.100", "succeeded", "exit status 0", {"exit": 0},
       {"newest_row": moment("2026-11-21T03:03:12Z")}, [held(expr, "121408 >= 120000")],
       printed("rows.2", "121408|2026-11-21 03:03:12+00\n"))
graph = b"minute errors\n03:00 412\n03:10 0\n03:34 0\n"
(out / "evidence" / "error-rate.txt").write_bytes(graph)

script = "kubectl -n loans set env deploy/api DB_HOST=loanserve-restored\nkubectl -n loans scale deploy/api --replicas=4\n"
asked = request("shell", {"run": script})
record("03:29:31", "target_verified", {"pins": PINS})
record("03:29:32", "approval_requested", {
    "part": "do", "attempt": 1, "request": digest(asked), "target": PINS, "by": ["bob", "carol"], "count": 1,
    "uid": 1001, "head": prev}, "cutover")
approval = len(lines)
record("03:29:50", "approval_refused", {
    "asked": approval, "approver": "alice", "reason": "alice operates this run: an approver is somebody else",
    "declined": False}, "cutover")
record("03:30:00.002", "objective_breached", {"objective": "rto", "target_s": 1800, "actual_s": 1800})
record("03:32:15", "approval_granted", {
    "asked": approval, "request": digest(asked), "approver": "bob", "known_by": "local_user", "uid": 1002,
    "afterwards": False}, "cutover")
record("03:32:39", "target_verified", {"pins": PINS})
intend("cutover", 1, asked, "03:32:41", "03:32:41.040", CONFIRMED, "03:32:40.990")
# A long output: its middle is left out of the report.
long = "".join(f"{n:04} waiting for pod api-{n % 4} to be ready\n" for n in range(400))
finish("cutover", 1, "03:33:58.400", "succeeded", "exit status 0", {"exit": 0}, {}, [], printed(
    "cutover.1", "deployment.apps/api env updated\n" + long + "deployment.apps/api scaled\n"))

asked = request("http", {"url": "https://loans.dr.example.org/health", "expect": {"status": 200},
                         "poll": {"every": "5s", "for": "10m"}})
intend("smoke", 1, asked, "03:34:05", "03:34:05.020", ENTER, "03:34:04.990")
finish("smoke", 1, "03:34:12.100", "succeeded", "200 OK after 2 requests", {"status": 200})
record("03:34:12.101", "milestone_reached", {"milestone": "service_restored", "reason": None}, "smoke")
record("03:34:40", "evidence_attached", {
    "file": "error-rate.txt", "sha256": sha(graph), "bytes": len(graph), "caption": "Errors a minute, from the load balancer"},
    "smoke")
record("03:35:10", "clock_step", {"by_ms": -2500})
record("03:36:00", "outage_start_amended", {
    "start": "2026-11-21T02:58:30Z", "reason": "The first alert was at 02:58:30, not when it was read"})
record("03:36:40", "run_finished", {"ending": "completed", "reason": None})
record("03:38:12", "issue_found", {
    "severity": "high", "owner": "network-team", "due": "2026-12-05",
    "text": "Subnet groups are renamed without telling whoever restores into them"}, "restore")
record("03:39:30", "lesson_learned", {"text": "Ask for the approval of the cutover while the rows are checked."}, "cutover")
record("2026-11-23T09:12:44+00:00", "signed_off", {
    "reviewer": "carol@audit", "known_by": "self_declared", "decision": "accepted",
    "note": "Accepted as a failed drill: the next one is due by the end of December.",
    "seq": len(lines), "head": prev}, by="carol@audit", boot="b0070002")
(out / "journal.jsonl").write_text("".join(lines))
for folder in ["attempts", "checkpoints", "reports"]:
    (out / folder).rmdir()
