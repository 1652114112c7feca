#!/bin/bash
# The scheduler of a cluster, on a machine that the others reach: examples/cluster/scheduler.sh certificates [port]
set -euo pipefail

folder="${1:?the folder that certificates.sh has made}"
exec python -m distributed.cli.dask_scheduler --protocol tls --port "${2:-8786}" --no-dashboard \
    --tls-ca-file "$folder/certificate.pem" --tls-cert "$folder/certificate.pem" --tls-key "$folder/key.pem"
