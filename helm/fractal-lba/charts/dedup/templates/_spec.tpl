{{- define "dedup.spec" -}}
{{- $backend := include "fractal-lba.dedupBackend" .root -}}
kind: Deployment
mayScale: {{ ne $backend "memory" }}
{{- if eq $backend "memory" }}
# The memory of one process is the index: a second one beside it would take the log from it.
strategy: {type: Recreate}
{{- else if not .values.updateStrategy }}
# Kubernetes' own, said here: what Helm has not said it cannot take away again, and Recreate has none of it.
strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 25%, maxUnavailable: 25%}}
{{- end }}
ports: {grpc: 8084, ops: 9084}
stopGrace: {{ include "fractal-lba.setting" (dict "root" .root "name" .name "variable" "STOP_GRACE" "default" "5s") }}
{{- $env := dict
  "GRPC_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 8084))
  "METRICS_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 9084))
  "DATA_DIR" "/data"
  "WAL_ADDR" (include "fractal-lba.walAddresses" (dict "root" .root "count" (.values.walCount | default .root.Values.wal.replicaCount)))
}}
{{- if and (eq $backend "redis") .root.Values.redis.enabled }}
{{- $_ := set $env "REDIS_ADDR" (printf "%s:6379" (include "common.nameOf" (dict "root" .root "name" "redis"))) }}
{{- end }}
{{- if eq $backend "postgres" }}
{{- with include "fractal-lba.postgresConn" .root }}{{ $_ := set $env "POSTGRES_CONN" . }}{{ end }}
{{- end }}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list "metrics" $backend) "data" dict "env" $env) }}
{{- end -}}
