#!/bin/bash
# Backs up the data base while the daemon runs: deploy/backup.sh DATABASE FOLDER
#
# Writes FOLDER/roentgym-YYYYMMDDTHHMMSSZ.db, a complete data base in one file, checked, and prints its
# name. The copy appears under that name only once it is whole. deploy/README.md tells how to restore it.
set -euo pipefail
umask 077

if [ $# -ne 2 ]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 2
fi
database=$1 folder=$2
[ -f "$database" ] || { echo "backup.sh: $database: no such file" >&2; exit 1; }
[ -d "$folder" ] || { echo "backup.sh: $folder: no such folder" >&2; exit 1; }

copy=$folder/roentgym-$(date -u +%Y%m%dT%H%M%SZ).db
part=$copy.part
trap 'rm -f "$part" "$part"-*' EXIT

# .backup copies page by page under SQLite's own locks; a plain cp of a WAL data base loses the newest answers.
sqlite3 -cmd '.timeout 10000' "file:$database?mode=ro" ".backup '${part//\'/\'\'}'"
verdict=$(sqlite3 "$part" 'PRAGMA journal_mode = DELETE; PRAGMA integrity_check; PRAGMA foreign_key_check;')
if [ "$verdict" != "$(printf 'delete\nok')" ]; then
    echo "backup.sh: the copy of $database is damaged: $verdict" >&2
    exit 1
fi
sync "$part"
mv "$part" "$copy"
sync "$folder"
echo "$copy"
