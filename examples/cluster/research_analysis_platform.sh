#!/bin/bash
# UK Biobank's Research Analysis Platform: what a job runs there, on one machine with GPUs, without internet.
#   research_analysis_platform.sh <study> <pipelines> <folder of scans, of contours, of tables>...
# Image and script are uploaded to the project first; docs/cluster.md has the command. A job's working folder is
# uploaded when it ends well, file by file: so all of the study is one file there, <study>-<time>.tar. Hand the last one
# in with -iin, and the study goes on. Ask for a machine that is not taken away.
set -euo pipefail

study="${1:?name of the study}"
pipelines="${2:?pipelines to run, __default__ for the paper\'s study}"
: "${3:?folders of scans, contours and tables below /mnt/project}"
here="$PWD"
kept="$here/$study-$(date -u +%Y%m%dT%H%M%SZ)"
# the same in every job: a scan is known by its path
place=/tmp/faircmr
mkdir -p "$place/source" "$place/$study"
# where nothing can be written, that is known now and not after days
touch "$kept.txt"

gpus="$({ nvidia-smi --list-gpus || true; } | wc -l)"
if [ "$gpus" -eq 0 ]; then
    echo "Error: GPUs: none is seen; at least one; choose a machine that has some (--instance-type)" >&2
    exit 1
fi
for folder in "${@:3}"; do
    # one folder of links to all that is read: the project is mounted read-only, and the tables lie elsewhere
    cp --recursive --symbolic-link "$(realpath "$folder")" "$place/source"
done
before="$(find "$here" -maxdepth 1 -name "$study-*.tar" | sort | tail -n 1)"
if [ -n "$before" ]; then
    tar --extract --file "$before" --directory "$place"
fi

cd /faircmr
status=0
python -m kedro run --env ukbb \
    --pipelines "$pipelines" \
    --runner faircmr.runners.DaskRunner \
    --params "data_root=$place/$study,source_root=$place/source,cluster.workers=$gpus,cluster.gpus=1,training.device=cuda" \
    || status=$?
tar --create --file "$kept.tar" --directory "$place" "$study"
# a job that ends with another status uploads nothing, and hours of training would be lost
echo "the run ended with status $status" | tee "$kept.txt"
