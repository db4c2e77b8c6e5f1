#!/bin/bash
# deploy/backup.sh against a data base that is being written to. Prints TAP.
set -u
cd "${TMPDIR:?}" || exit 2
root=$OLDPWD
backup=$root/deploy/backup.sh

count=0
claim() { # CLAIM STATUS
    count=$((count + 1))
    [ "$2" = 0 ] && echo "ok $count - $1" || { echo "not ok $count - $1"; broken=1; }
}
broken=0

sqlite3 live.db "PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER); INSERT INTO t VALUES (0);" >/dev/null
mkdir copies

# A writer that holds the data base open, so that the newest rows are in the write-ahead log only.
(for n in $(seq 1 400); do echo "INSERT INTO t VALUES ($n);"; [ "$n" -lt 200 ] || sleep 0.01; done |
    sqlite3 -cmd '.timeout 10000' live.db) &
writer=$!
until [ "$(sqlite3 live.db 'SELECT max(n) FROM t')" -ge 100 ]; do sleep 0.05; done

before=$(sqlite3 -cmd '.timeout 10000' live.db 'SELECT max(n) FROM t')
copy=$("$backup" live.db copies)
claim "a backup succeeds while another process writes" $?
wait "$writer"

rows=$(sqlite3 "file:$copy?mode=ro" 'SELECT count(*) = max(n) + 1 AND max(n) >= '"$before"' FROM t')
claim "the copy holds every row committed before it began, and no gap" "$([ "$rows" = 1 ]; echo $?)"
claim "the copy is one file" "$([ "$(ls copies)" = "$(basename "$copy")" ]; echo $?)"
claim "only its owner may read the copy" "$([ "$(stat -c %a "$copy")" = 600 ]; echo $?)"

head -c 6000 live.db >torn.db
said=$("$backup" torn.db copies 2>&1)
claim "a damaged data base is refused" "$([ $? = 1 ]; echo $?)"
claim "the refusal names the file" "$([[ $said == *torn.db* ]]; echo $?)"
said=$("$backup" nowhere.db copies 2>&1)
claim "a missing data base is refused" "$([ $? = 1 ]; echo $?)"
said=$("$backup" live.db nowhere 2>&1)
claim "a missing folder is refused" "$([ $? = 1 ]; echo $?)"
claim "a refused backup leaves nothing behind" "$([ "$(ls copies)" = "$(basename "$copy")" ]; echo $?)"

echo "1..$count"
exit $broken
