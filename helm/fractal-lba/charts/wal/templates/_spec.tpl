{{- define "wal.spec" -}}
{{- $p := .values.persistence -}}
kind: StatefulSet
mayScale: false
serviceName: {{ include "common.fullname" . }}
ports: {grpc: 8082, ops: 9082}
stopGrace: {{ include "fractal-lba.setting" (dict "root" .root "name" .name "variable" "STOP_GRACE" "default" "5s") }}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list "metrics") "data" (ternary (dict "claim" $p.existingClaim) (dict "claimed" $p.enabled) (ne $p.existingClaim "")) "env" (dict
  "GRPC_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 8082))
  "METRICS_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 9082))
  "DATA_DIR" "/data"
  "WAL_DIR" "/data/wal"
)) }}
{{- if and $p.enabled (not $p.existingClaim) }}
claims:
  - name: data
    spec: {{ include "common.claim" $p | nindent 6 }}
claimRetention: {{ toYaml $p.retentionPolicy | nindent 2 }}
{{- end }}
{{- end -}}
