{{/* `pcs` in a pod of its own. It has no subchart, because nothing of it stays. */}}
{{- define "tools.spec" -}}
kind: Job
mayScale: false
ports: {}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list) "env" (dict
  "WAL_ADDR" (include "fractal-lba.walAddresses" (dict "root" .root "count" .root.Values.wal.replicaCount))
  "DEDUP_ADDR" (include "fractal-lba.address" (dict "root" .root "name" "dedup" "port" 8084))
  "ENDPOINT" (include "fractal-lba.endpoint" .root)
)) }}
{{- end -}}
