#!/bin/bash
# Trains the feature networks of this folder on the data sets in the folder DATA, and writes the weights that metrics use:
#
#     bash specs/features/train.sh DATA
set -e
data=$(realpath "$1")
cd "$(dirname "$0")/../.."
runs=$(mktemp -d)
for set in mnist fashion_mnist; do
    for network in lenet autoencoder; do
        preset=()
        [ $set = mnist ] || preset=(--preset "$set")
        go run ./cmd/snnc run specs/features/$network.snn "${preset[@]}" --data "$data" --out "$runs/$network-$set"
        kept=(features. network.)
        [ $network = lenet ] || kept=(features.) # the decoder takes no part in a figure
        go run ./specs/features/_keep "$runs/$network-$set" $network specs/features/$network-$set.safetensors "${kept[@]}"
    done
done
rm -r "$runs"
(cd specs/features && sha256sum ./*.safetensors)
