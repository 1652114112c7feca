#!/bin/bash
# UK Biobank's Research Analysis Platform: what a job runs there, on one machine with several GPUs, without internet.
# The image, made from the Dockerfile beside this file, and this script are uploaded to the project first; docs/cluster.md
# has the command. What lies in the working folder when the job ends is kept, and nothing else: ask for a machine that is
# not taken away.
set -euo pipefail

study="$PWD/${1:?name of the study: a folder in the working folder}"
gpus="$(nvidia-smi --list-gpus | wc -l)"
cd /faircmr
python -m kedro run --env ukbb \
    --pipelines "${2:-__default__}" \
    --runner faircmr.runners.DaskRunner \
    --params "data_root=$study,source_root=${3:?folder of the scans below /mnt/project},cluster.workers=$gpus,cluster.gpus=1,training.device=cuda"
