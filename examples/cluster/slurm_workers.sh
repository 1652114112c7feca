#!/bin/bash
# A study on workers that are jobs of SLURM of their own, from the project's folder:
# examples/cluster/slurm_workers.sh 8 __default__ training.epochs=500
# Run it where jobs may be submitted from and a process may live as long as the study: a head node, or a small job.
# dask/jobqueue.yaml beside this file says what a worker's job asks for. Parameters of the third word add to those below,
# or take their place.
set -euo pipefail

DASK_CONFIG="$(cd "$(dirname "$0")" && pwd)/dask"
export DASK_CONFIG
more="${3:+,$3}"
exec .venv/bin/python -m kedro run \
    --pipelines "${2:-__default__}" \
    --runner faircmr.runners.DaskRunner \
    --params "cluster.address=slurm,cluster.workers=${1:-4},cluster.gpus=1,training.device=cuda,training.threads=4$more"
