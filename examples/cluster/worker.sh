#!/bin/bash
# One worker with one GPU, beside others on the same machine or on others:
# CUDA_VISIBLE_DEVICES=0 examples/cluster/worker.sh certificates tls://scheduler:8786
set -euo pipefail

folder="${1:?the folder that certificates.sh has made}"
export DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON="{}"
exec python -m distributed.cli.dask_worker "${2:?tls://host:port of the scheduler}" \
    --nthreads 1 --memory-limit 0 --no-dashboard --resources "GPU=1" \
    --tls-ca-file "$folder/certificate.pem" --tls-cert "$folder/certificate.pem" --tls-key "$folder/key.pem"
