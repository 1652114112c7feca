#!/bin/bash
# The study, at a scheduler that is running:
# examples/cluster/run.sh certificates tls://scheduler:8786 __default__ training.epochs=500
# Parameters of the fourth word add to those below, or take their place.
set -euo pipefail

folder="${1:?the folder that certificates.sh has made}"
export DASK_DISTRIBUTED__COMM__TLS__CA_FILE="$folder/certificate.pem"
export DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT="$folder/certificate.pem"
export DASK_DISTRIBUTED__COMM__TLS__CLIENT__KEY="$folder/key.pem"
more="${4:+,$4}"
exec python -m kedro run \
    --pipelines "${3:-__default__}" \
    --runner faircmr.runners.DaskRunner \
    --params "cluster.address=${2:?tls://host:port of the scheduler},training.device=cuda$more"
