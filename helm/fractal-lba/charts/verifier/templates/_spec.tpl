{{- define "verifier.spec" -}}
kind: Deployment
mayScale: true
ports: {grpc: 8083, ops: 9083}
stopGrace: {{ include "fractal-lba.setting" (dict "root" .root "name" .name "variable" "STOP_GRACE" "default" "5s") }}
{{- $env := dict
  "GRPC_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 8083))
  "METRICS_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 9083))
}}
{{- if .root.Values.secrets.keyRing.existingSecret }}
{{- $_ := set $env "PCS_KEYS_FILE" (printf "/etc/pcs-keys/%s" .root.Values.secrets.keyRing.key) }}
{{- end }}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list "signing" "metrics") "keyRing" true "env" $env) }}
{{- end -}}
