#!/bin/bash
# A study in one job of SLURM, on all GPUs and CPUs of one machine, from the project's folder:
# sbatch examples/cluster/slurm.sh __default__ training.epochs=500,cluster.workers=2
# Parameters of the second word add to those below, or take their place. Submitted again, the study goes on where it was
# cut off; SLURM does so by itself after it has taken the machine away.
#SBATCH --job-name=faircmr
#SBATCH --output=logs/slurm-%j.out
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=16
#SBATCH --gpus-per-node=4
#SBATCH --mem=128G
#SBATCH --time=24:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail

more="${2:+,$2}"
# A minute before the time is over, and when the machine is taken away, SLURM tells this script: exec makes it the run.
exec .venv/bin/python -m kedro run \
    --pipelines "${1:-__default__}" \
    --runner faircmr.runners.DaskRunner \
    --params "cluster.workers=4,cluster.gpus=1,training.device=cuda,training.threads=4$more"
