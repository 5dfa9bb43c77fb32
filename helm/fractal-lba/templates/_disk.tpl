{{/*
How long the volume of a log lasts at TOKEN_RATE, by the measured 1,253 bytes for a record of 713 bytes and its mark
(docs/durability.md).
*/}}
{{- define "fractal-lba.diskSentence" -}}
{{- $size := .Values.wal.persistence.size -}}
{{- $number := regexFind "^[0-9]+" $size | int64 -}}
{{- $unit := regexFind "[A-Za-z]+$" $size -}}
{{- $factor := get (dict "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "M" 1000000 "G" 1000000000 "T" 1000000000000) $unit | default 1 -}}
{{- $gateway := dict -}}
{{- include "common.component" (dict "root" . "name" "gateway" "into" $gateway) -}}
{{- $gateways := include "common.replicasMin" $gateway | int64 -}}
{{- $rate := include "fractal-lba.setting" (dict "root" . "name" "gateway" "variable" "TOKEN_RATE" "default" "1000") | int64 -}}
{{- $perLog := div (mul $rate $gateways) (int64 .Values.wal.replicaCount) -}}
{{- if gt $perLog 0 -}}
{{- $hours := div (mul $number $factor) (mul $perLog 1253 3600) -}}
A log's volume of {{ $size }} lasts {{ if lt $hours 72 }}{{ $hours }} hours{{ else }}{{ div $hours 24 }} days{{ end }} at TOKEN_RATE ({{ $gateways }} x {{ $rate }} submissions a second over {{ .Values.wal.replicaCount }} {{ ternary "log" "logs" (eq (int .Values.wal.replicaCount) 1) }}), all day, with
records of 713 bytes. Set config.data.WAL_BYTES_MAX to what it can give: docs/durability.md, "How much disk".
{{- else -}}
TOKEN_RATE is off: how long a log's volume of {{ $size }} lasts is for its clients to say (docs/durability.md).
{{- end -}}
{{- end -}}
