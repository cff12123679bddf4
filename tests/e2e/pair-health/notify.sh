#!/bin/sh
# notify.sh - what routed told its `notify` program, a line for each call
env | grep '^MULTIHOMED_' | sort | tr '\n' ' ' >>"$(dirname "$0")/notified"
echo >>"$(dirname "$0")/notified"
[ ! -e "$(dirname "$0")/hang" ] || exec sleep 1000
