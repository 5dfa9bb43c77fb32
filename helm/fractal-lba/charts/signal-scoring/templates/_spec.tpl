{{- define "signal-scoring.spec" -}}
kind: Deployment
mayScale: true
ports: {grpc: 8085, ops: 9085}
stopGrace: {{ include "fractal-lba.setting" (dict "root" .root "name" .name "variable" "STOP_GRACE" "default" "5s") }}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list "metrics") "env" (dict
  "GRPC_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 8085))
  "METRICS_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 9085))
)) }}
{{- end -}}
