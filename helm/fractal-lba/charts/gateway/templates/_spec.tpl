{{- define "gateway.spec" -}}
kind: Deployment
mayScale: true
ports: {http: 8080, grpc: 8081, ops: 9081}
stopGrace: {{ include "fractal-lba.setting" (dict "root" .root "name" .name "variable" "STOP_GRACE" "default" "5s") }}
{{ include "fractal-lba.podParts" (dict "component" . "secrets" (list "metrics") "env" (dict
  "HOST" .root.Values.global.listenAddress
  "METRICS_ADDR" (include "fractal-lba.listen" (dict "root" .root "port" 9081))
  "WAL_ADDR" (include "fractal-lba.walAddresses" (dict "root" .root "count" (.values.walCount | default .root.Values.wal.replicaCount)))
  "VERIFIER_ADDR" (include "fractal-lba.address" (dict "root" .root "name" "verifier" "port" 8083))
  "DEDUP_ADDR" (include "fractal-lba.address" (dict "root" .root "name" "dedup" "port" 8084))
  "SCORING_ADDR" (include "fractal-lba.address" (dict "root" .root "name" "signal-scoring" "port" 8085))
)) }}
{{- end -}}
