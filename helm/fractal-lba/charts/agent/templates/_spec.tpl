{{- define "agent.spec" -}}
{{- $p := .values.persistence -}}
kind: StatefulSet
mayScale: false
serviceName: {{ include "common.fullname" . }}
ports: {ops: 9086}
stopGrace: {{ include "fractal-lba.setting" (dict "root" .root "name" .name "variable" "STOP_GRACE" "default" "5s") }}
args:
  {{- toYaml (concat (list "agent" "run" "--watch" .values.watch) .values.extraArgs) | nindent 2 }}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list "agent" "metrics") "data" (ternary (dict "claim" $p.existingClaim) (dict "claimed" $p.enabled) (ne $p.existingClaim "")) "env" (dict
  "METRICS_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 9086))
  "DATA_DIR" "/data"
  "OUTBOX_DIR" "/data/outbox"
  "ENDPOINT" (include "fractal-lba.endpoint" .root)
)) }}
{{- if and $p.enabled (not $p.existingClaim) }}
claims:
  - name: data
    spec: {{ include "common.claim" $p | nindent 6 }}
{{- end }}
{{- end -}}
