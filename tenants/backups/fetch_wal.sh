#!/bin/sh
# PostgreSQL's restore_command while a backup is brought back: fetch_wal.sh NAME TARGET FOLDER
# The process that restores has the keys and this one has not: it asks by a file, and waits for the segment.
set -eu
name=$1 target=$2 folder=$3
: >"$folder/wanted/$name"
tries=0
while [ "$tries" -lt 6000 ]; do
    if [ -e "$folder/offered/$name" ]; then
        mv "$folder/offered/$name" "$target"
        exit 0
    fi
    if [ -e "$folder/missing/$name" ]; then
        rm -f "$folder/missing/$name"
        exit 1 # there is no such segment: the log ends here
    fi
    [ ! -e "$folder/failed/$name" ] || exit 200
    tries=$((tries + 1))
    sleep 0.02
done
exit 200 # above 125 the server gives up instead of believing that the log ends here
