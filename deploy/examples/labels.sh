#!/bin/sh
# Prints the labels of all devices, each change once: time, device, label, score.
#
#   labels.sh [mosquitto_sub options]      for example: labels.sh -h broker.lan -u me -P secret
#
# With a session of its own, nothing is missed while it does not run: labels.sh -c -i NAME
# It needs mosquitto_sub (Debian: mosquitto-clients) and jq. SIGHTD_BASE names another mqtt.base.
set -eu
# The status is that of jq: look at standard error for what mosquitto_sub could not do.

mosquitto_sub -q 1 -t "${SIGHTD_BASE:-sightd}/+/label" -F '%t %p' "$@" |
  jq --unbuffered --raw-input --raw-output --null-input '
    # What has an id that is not above the highest so far of its device is a duplicate, unless it is
    # from a session that was never heard of: then the ids have begun anew.
    foreach (
      inputs
      | capture("^(?<topic>[^{]*) (?<json>[{].*)$")
      | {topic, message: (.json | fromjson?)}
    ) as {$topic, $message} (
      {};
      (.[$topic] // {highest: 0, sessions: []}) as $seen
      | ($seen.sessions | index($message.session) != null) as $known
      | if $message.id <= $seen.highest and $known then .news = null
        else
          .[$topic] = {
            highest: $message.id,
            sessions: (if $known then $seen.sessions else ($seen.sessions + [$message.session])[-20:] end)
          }
          | .news = $message
        end;
      .news | select(. != null)
      | [.since, ($topic | split("/")[-2]), .label // "-", .score, "id=\(.id)"] | map(tostring) | join(" ")
    )'
