#!/bin/bash
# Trains, draws and measures what docs/results.md compares, one run after the other, and keeps the records of each in a folder
# beside this file. DATA is where the data sets are, RUNS where the runs are made, NAME one of the names below; absent: all of them.
#
#     bash docs/results/train.sh DATA RUNS [NAME...]
#
# A run goes on where it was interrupted, and what is done is not done again.
set -e
here=$(dirname "$(realpath "$0")")
data=$(realpath "$1") runs=$(realpath -m "$2")
shift 2
cd "$here/../.."

arguments() {
    case $1 in
    gan-ann) echo specs/gan-ann.snn ;;
    spiking-gan) echo specs/spiking-gan.snn ;;
    sgad) echo specs/sgad.snn --preset small --set epochs=8 ;;
    *-10k) arguments "${1%-10k}" && echo --set "evaluate.$(model "${1%-10k}").count=10_000" ;; # the same training
    *-fashion) arguments "${1%-fashion}" && echo --set native=fashion_mnist ;;
    vae-ann) echo specs/vae-ann.snn --preset small ;;
    fsvae) echo specs/fsvae.snn --preset small ;;
    ddpm-ann) echo specs/ddpm-ann.snn --preset small ;;
    sddpm) echo specs/sddpm.snn --preset small ;;
    spiking-diffusion) echo specs/spiking-diffusion.snn --preset small ;;
    class-sddpm | spiking-flow) echo "specs/extend/$1.snn" ;;
    *) echo "no run is called $1" >&2 && exit 1 ;;
    esac
}

model() {
    case $1 in
    spiking-diffusion*) echo prior ;;
    *) echo "${1%-fashion}" ;;
    esac
}

[ $# -gt 0 ] || set -- gan-ann spiking-gan sgad vae-ann fsvae ddpm-ann sddpm spiking-diffusion class-sddpm \
    sddpm-10k spiking-diffusion-10k fsvae-10k sddpm-fashion spiking-diffusion-fashion fsvae-fashion
mkdir -p "$runs"
go build -buildvcs=true -o "$runs/snnc" ./cmd/snnc
for name; do
    read -ra args <<<"$(arguments "$name" | tr '\n' ' ')"
    if [[ $name == *-10k && ! -e $runs/$name ]]; then # judged anew
        cp -r "$runs/${name%-10k}" "$runs/$name"
        args+=(--restart --only evaluate)
    fi
    "$runs/snnc" run "${args[@]}" --data "$data" --out "$runs/$name"
    # What `snnc compare` reads, without the losses between epochs; weights, arrays and the sheets of epochs stay where they are.
    mkdir -p "$here/$name"
    cp "$runs/$name"/{actions,models,options,metrics}.json "$here/$name/"
    grep -v '"kind":"step"' "$runs/$name/events.jsonl" >"$here/$name/events.jsonl"
    [[ $name != *-10k ]] || continue
    cp "$runs/$name/report.html" "$here/$name/"
    sheets=("$runs/$name"/samples/sample-*.png)
    cp "${sheets[0]}" "$here/$name/sheet.png"
done
