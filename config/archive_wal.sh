#!/bin/sh
# PostgreSQL's archive_command on one machine: archive_wal.sh PATH NAME FOLDER
# A segment appears in the folder whole, on the disk, or not at all; another one of the same name is never replaced.
set -eu
umask 077
source=$1 name=$2 folder=$3
if [ -e "$folder/$name" ]; then
    # The server was cut off after the copy and before it could note that: it asks again for the same bytes.
    cmp -s "$source" "$folder/$name"
    exit
fi
temporary="$folder/.$name.$$"
trap 'rm -f "$temporary"' EXIT
cp "$source" "$temporary"
sync "$temporary"
ln "$temporary" "$folder/$name"
sync "$folder"
