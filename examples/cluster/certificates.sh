#!/bin/bash
# One certificate for the scheduler, the workers and the run of one cluster: examples/cluster/certificates.sh certificates
# Whoever has the key may have any of these run any code: it is readable by its owner alone, and for one study.
set -euo pipefail

folder="${1:?where the certificate and its key are to lie}"
umask 077
mkdir -p "$folder"
openssl req -x509 -newkey rsa:3072 -nodes -days 30 -subj "/CN=faircmr" \
    -keyout "$folder/key.pem" -out "$folder/certificate.pem"
