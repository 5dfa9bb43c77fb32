{{/*
What would crash pods, lose something or not be what it seems fails the render, with a sentence that says what to do. The
schema refuses what has the wrong form; it lets through what old values files have, so that a sentence can say where that
is now.
*/}}
{{- define "fractal-lba.validate" -}}
{{- range list "old" "settings" "keys" "stores" "tls" "wal" "replicas" "ways" }}
{{- include (printf "fractal-lba.validate.%s" .) $ }}
{{- end }}
{{- end -}}

{{- define "fractal-lba.validate.old" -}}
{{- $v := .Values -}}
{{- if hasKey $v "backend" -}}
{{- fail "backend.* is of the time when gateway and services were one program: what it had is under gateway, verifier, dedup, wal and config.data now (the table in UPGRADING.md)" -}}
{{- end -}}
{{- range $name := concat (list "common") (include "fractal-lba.componentNames" . | fromYamlArray) -}}
{{- $c := get $v $name | default dict -}}
{{- if hasKey $c "volumes" }}{{ fail (printf "%s.volumes is called %s.extraVolumes; certificates of the services are mounted by mtls.existingSecret alone" $name $name) }}{{ end -}}
{{- if hasKey $c "volumeMounts" }}{{ fail (printf "%s.volumeMounts is called %s.extraVolumeMounts; certificates of the services are mounted by mtls.existingSecret alone" $name $name) }}{{ end -}}
{{- end -}}
{{- if ne $v.redis.architecture "standalone" -}}
{{- fail (printf "redis.architecture is %s: the Redis of this chart is one, to try with. Run your own (or a managed one) and set redis.enabled=false with config.data.REDIS_ADDR, REDIS_SENTINELS or REDIS_CLUSTER (values-redis-sentinel.yaml)" $v.redis.architecture) -}}
{{- end -}}
{{- if $v.redis.sentinel.enabled -}}
{{- fail "redis.sentinel.enabled: this chart runs no Sentinel, dedup connects to yours. Set redis.enabled=false, config.data.REDIS_SENTINELS and REDIS_SENTINEL_MASTER (values-redis-sentinel.yaml)" -}}
{{- end -}}
{{- if gt (int $v.redis.replica.replicaCount) 0 -}}
{{- fail "redis.replica.replicaCount is above 0: the Redis of this chart has no replicas. Run your own, and set redis.enabled=false with config.data.REDIS_ADDR or REDIS_SENTINELS" -}}
{{- end -}}
{{- if hasKey $v.grafana "adminPassword" }}{{ fail "grafana.adminPassword: this chart runs no Grafana, it makes the dashboards as ConfigMaps for yours. Set the password there, and leave it out here" }}{{ end -}}
{{- if hasKey $v.grafana "persistence" }}{{ fail "grafana.persistence: this chart runs no Grafana, it makes the dashboards as ConfigMaps for yours. Leave it out" }}{{ end -}}
{{- end -}}

{{- define "fractal-lba.validate.settings" -}}
{{- range $name := list "gateway" "wal" "verifier" "dedup" "signal-scoring" "agent" -}}
{{- if (get $.Values $name).enabled -}}
{{- $grace := include "fractal-lba.setting" (dict "root" $ "name" $name "variable" "STOP_GRACE" "default" "5s") -}}
{{- if gt (include "common.stopGraceSeconds" (dict "spec" (dict "stopGrace" $grace)) | int) 55 -}}
{{- fail (printf "STOP_GRACE of %s is %s: a process ends itself 60 s after it was told to, set 55s at the most" $name $grace) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $m := .Values.secrets.metrics -}}
{{- if and $m.values (ne (hasKey $m.values "METRICS_USER") (hasKey $m.values "METRICS_PASS")) -}}
{{- fail "secrets.metrics.values: METRICS_USER and METRICS_PASS belong together" -}}
{{- end -}}
{{- if and .Values.externalSecrets.enabled (not .Values.externalSecrets.secretStoreRef) -}}
{{- fail "externalSecrets.enabled: set externalSecrets.secretStoreRef (name and kind of the store)" -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.validate.keys" -}}
{{- $v := .Values -}}
{{- $s := $v.secrets -}}
{{- $alg := include "fractal-lba.signAlg" . -}}
{{- if not $s.createSecret -}}
{{- range list "signing" "agent" "metrics" "redis" "postgres" -}}
{{- if and (get $s .).values (not (get $s .).existingSecret) -}}
{{- fail (printf "secrets.%s.values would go into a Secret that the chart may not make (secrets.createSecret=false): name one of yours in secrets.%s.existingSecret" . .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $hasRing := ne $s.keyRing.existingSecret "" -}}
{{- $elsewhere := or $v.verifier.envFrom $v.verifier.extraEnv $v.config.existingConfigMap -}}
{{- if $v.verifier.enabled -}}
{{- if and (not $alg) (not $hasRing) (not $elsewhere) -}}
{{- fail "PCS_SIGN_ALG is not set: set config.data.PCS_SIGN_ALG to hmac, ed25519 or none, or secrets.keyRing.existingSecret" -}}
{{- end -}}
{{- if and (eq $alg "none") $hasRing -}}
{{- fail "PCS_SIGN_ALG=none takes records unsigned, and secrets.keyRing.existingSecret names keys: unset one of them" -}}
{{- end -}}
{{- if and (eq $alg "hmac") (not $hasRing) (not $elsewhere) (not $s.signing.existingSecret) (not (and $s.createSecret (or $s.signing.values (include "fractal-lba.generatesHmacKey" .)))) -}}
{{- fail "PCS_SIGN_ALG=hmac needs a key: name a Secret in secrets.signing.existingSecret (kubectl create secret generic pcs-hmac-secret --from-literal=PCS_HMAC_KEY=…), or a key file in secrets.keyRing.existingSecret" -}}
{{- end -}}
{{- $public := include "fractal-lba.setting" (dict "root" . "name" "verifier" "variable" "PCS_ED25519_PUB_B64") -}}
{{- if and (eq $alg "ed25519") (not $hasRing) (not $elsewhere) (not $public) (not $s.signing.existingSecret) -}}
{{- fail "PCS_SIGN_ALG=ed25519 needs a public key: set config.data.PCS_ED25519_PUB_B64, or name the ConfigMap pcs-ed25519-config in verifier.envFrom" -}}
{{- end -}}
{{- end -}}
{{- if and $v.agent.enabled (eq $alg "ed25519") (not $s.agent.existingSecret) (not $s.agent.values) (not $v.agent.envFrom) (not $v.agent.extraEnv) -}}
{{- fail "the agent signs with Ed25519: name the Secret with PCS_ED25519_PRIV_B64 in secrets.agent.existingSecret (pcs-ed25519-agent-secret)" -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.validate.stores" -}}
{{- $v := .Values -}}
{{- if not $v.secrets.createSecret -}}
{{- if and $v.redis.enabled $v.redis.auth.enabled (not $v.redis.auth.existingSecret) -}}
{{- fail "the password of the chart's Redis would go into a Secret that the chart may not make (secrets.createSecret=false): name one of yours in redis.auth.existingSecret (redis-auth-secret)" -}}
{{- end -}}
{{- if and $v.postgresql.enabled (not $v.postgresql.auth.existingSecret) -}}
{{- fail "the password of the chart's Postgres would go into a Secret that the chart may not make (secrets.createSecret=false): name one of yours in postgresql.auth.existingSecret" -}}
{{- end -}}
{{- if and (not $v.postgresql.enabled) (or $v.postgresql.external.dsn (and $v.postgresql.external.password (not $v.postgresql.external.existingSecret))) -}}
{{- fail "postgresql.external.dsn and password would go into a Secret that the chart may not make (secrets.createSecret=false): name one of yours in secrets.postgres.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- if and $v.redis.enabled (or $v.secrets.redis.existingSecret $v.secrets.redis.values) -}}
{{- fail "secrets.redis is for a Redis of yours, and redis.enabled runs the chart's: set redis.enabled=false, or redis.auth.existingSecret" -}}
{{- end -}}
{{- if $v.dedup.enabled -}}
{{- $backend := include "fractal-lba.dedupBackend" . -}}
{{- $elsewhere := or $v.dedup.envFrom $v.dedup.extraEnv $v.config.existingConfigMap -}}
{{- if eq $backend "memory" -}}
{{- if gt (int $v.dedup.replicaCount) 1 -}}
{{- fail (printf "dedup.replicaCount is %d with DEDUP_BACKEND=memory: the memory of one process is the index, a second one would take the log from it. Set it to 1, or DEDUP_BACKEND to redis or postgres" (int $v.dedup.replicaCount)) -}}
{{- end -}}
{{- if (include "fractal-lba.valueOf" (dict "root" . "name" "dedup" "path" (list "autoscaling" "enabled"))) | eq "true" -}}
{{- fail "dedup.autoscaling.enabled with DEDUP_BACKEND=memory: the memory of one process is the index. Switch it off, or set DEDUP_BACKEND to redis or postgres" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $backend "redis") (not $v.redis.enabled) (not $elsewhere) -}}
{{- $where := printf "%s%s" (include "fractal-lba.setting" (dict "root" . "name" "dedup" "variable" "REDIS_ADDR")) (include "fractal-lba.setting" (dict "root" . "name" "dedup" "variable" "REDIS_SENTINELS")) -}}
{{- if not $where -}}
{{- fail "DEDUP_BACKEND=redis needs an address: set config.data.REDIS_ADDR (or REDIS_SENTINELS and REDIS_SENTINEL_MASTER), or redis.enabled=true for one to try with" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $backend "postgres") (not $elsewhere) (not $v.secrets.postgres.existingSecret) (not $v.secrets.postgres.values) (not $v.postgresql.external.dsn) -}}
{{- if not (include "fractal-lba.postgresConn" .) -}}
{{- fail "DEDUP_BACKEND=postgres needs a connection: name the Secret with POSTGRES_CONN in secrets.postgres.existingSecret (postgres-conn-secret), set postgresql.external, or postgresql.enabled=true for one to try with" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.validate.tls" -}}
{{- $m := .Values.mtls -}}
{{- if and $m.required (not $m.enabled) -}}
{{- fail "mtls.required: without TLS whoever reaches a service is believed (INSECURE_LISTEN). Set mtls.enabled=true, or mtls.required=false where the network keeps others out" -}}
{{- end -}}
{{- if and $m.enabled (not $m.certManager.enabled) (not $m.existingSecret) -}}
{{- range list "gateway" "wal" "verifier" "dedup" "signal-scoring" "tools" -}}
{{- if not (get $m.existingSecrets .) -}}
{{- fail (printf "mtls.enabled, but nobody makes the certificate of %s: set mtls.certManager.enabled=true, or name a Secret (tls.crt, tls.key, ca.crt) in mtls.existingSecret or mtls.existingSecrets.%s" . .) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.validate.wal" -}}
{{- $w := .Values.wal -}}
{{- if $w.enabled -}}
{{- $count := int $w.replicaCount -}}
{{- if and $w.persistence.existingClaim (gt $count 1) -}}
{{- fail (printf "wal.persistence.existingClaim is one volume, and wal.replicaCount is %d: each log needs a volume of its own. Leave the claim out, or set wal.replicaCount=1" $count) -}}
{{- end -}}
{{- range $caller := list "gateway" "dedup" -}}
{{- $given := int (get $.Values $caller).walCount -}}
{{- if gt $given $count -}}
{{- fail (printf "%s.walCount is %d, and there are %d logs: lower it, or raise wal.replicaCount" $caller $given $count) -}}
{{- end -}}
{{- end -}}
{{- if gt (int .Values.gateway.walCount | default $count) (int .Values.dedup.walCount | default $count) -}}
{{- fail "gateways would hand submissions to a log that dedup is not the index of: gateway.walCount may not be above dedup.walCount" -}}
{{- end -}}
{{- $running := lookup "apps/v1" "StatefulSet" .Release.Namespace (include "common.name" (dict "root" . "name" "wal")) -}}
{{- $before := dig "spec" "replicas" 0 ($running | default dict) | int -}}
{{- if and (gt $before $count) (ne (int $w.scaleDownFrom) $before) -}}
{{- fail (printf "wal.replicaCount goes from %d to %d, and what is in the last logs is in no other: drain and retire each of them (docs/helm-values.md, \"Logs come and go\"), then set wal.scaleDownFrom=%d" $before $count $before) -}}
{{- end -}}
{{- end -}}
{{- if .Values.gateway.enabled -}}
{{- range $name, $variable := dict "wal" "WAL_ADDR" "verifier" "VERIFIER_ADDR" "dedup" "DEDUP_ADDR" "signal-scoring" "SCORING_ADDR" -}}
{{- if and (not (get $.Values $name).enabled) (not $.Values.config.existingConfigMap) (not (include "fractal-lba.setting" (dict "root" $ "name" "gateway" "variable" $variable))) -}}
{{- fail (printf "%s.enabled is false, and the gateway needs it: say where it is in config.data.%s, or set gateway.enabled=false" $name $variable) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.validate.replicas" -}}
{{- range $name := include "fractal-lba.componentNames" . | fromYamlArray -}}
{{- if and (ne $name "tools") (get $.Values $name).enabled -}}
{{- $c := dict -}}
{{- include "common.component" (dict "root" $ "name" $name "into" $c) -}}
{{- if and $c.values.autoscaling.enabled (not $c.spec.mayScale) (ne $name "dedup") -}}
{{- if (get (get $.Values $name) "autoscaling" | default dict).enabled -}}
{{- fail (printf "%s.autoscaling.enabled: it has no autoscaler (a log that comes or goes is an operation of its own, and the others are one). Switch it off" $name) -}}
{{- end -}}
{{- end -}}
{{- if include "common.isAutoscaled" $c -}}
{{- if not (dig "requests" "cpu" "" $c.values.resources) -}}
{{- fail (printf "%s.autoscaling counts percents of the requested CPU, and %s.resources.requests.cpu is not set: set it" $name $name) -}}
{{- end -}}
{{- if not (or $c.values.autoscaling.targetCPU $c.values.autoscaling.targetMemory) -}}
{{- fail (printf "%s.autoscaling has no target: set targetCPU or targetMemory" $name) -}}
{{- end -}}
{{- if gt (int $c.values.autoscaling.minReplicas) (int $c.values.autoscaling.maxReplicas) -}}
{{- fail (printf "%s.autoscaling: minReplicas %d is above maxReplicas %d" $name (int $c.values.autoscaling.minReplicas) (int $c.values.autoscaling.maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- $b := $c.values.podDisruptionBudget -}}
{{- if $b.enabled -}}
{{- $least := include "common.replicasMin" $c | int -}}
{{- if kindIs "invalid" $b.minAvailable -}}
{{- if eq (toString $b.maxUnavailable) "0" -}}
{{- fail (printf "%s.podDisruptionBudget.maxUnavailable is 0: no node with such a pod could be drained. Set 1" $name) -}}
{{- end -}}
{{- else if and (not (hasSuffix "%" (toString $b.minAvailable))) (ge (int $b.minAvailable) $least) -}}
{{- fail (printf "%s.podDisruptionBudget.minAvailable is %d, and there may be %d of it: no node with such a pod could be drained. Lower it, leave it out (maxUnavailable counts then), or raise the replicas" $name (int $b.minAvailable) $least) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.validate.ways" -}}
{{- $v := .Values -}}
{{- if and $v.ingress.enabled (not $v.ingress.hosts) -}}
{{- fail "ingress.enabled: set ingress.hosts (host and paths)" -}}
{{- end -}}
{{- if and $v.gatewayAPI.enabled (not $v.gatewayAPI.parentRefs) -}}
{{- fail "gatewayAPI.enabled: set gatewayAPI.parentRefs (name and namespace of the Gateway)" -}}
{{- end -}}
{{- if and $v.gatewayAPI.enabled $v.gatewayAPI.backendTLS.enabled (not $v.gatewayAPI.backendTLS.caConfigMap) -}}
{{- fail "gatewayAPI.backendTLS.enabled: name the ConfigMap with the authority of the gateway's certificate in gatewayAPI.backendTLS.caConfigMap" -}}
{{- end -}}
{{- if and $v.networkPolicy.enabled $v.gateway.enabled (or $v.ingress.enabled $v.gatewayAPI.enabled) (not $v.networkPolicy.allowedNamespaces) (not $v.networkPolicy.allowedPodLabels) -}}
{{- fail "networkPolicy.enabled with an ingress or routes, and nobody outside may reach the gateway: name the namespace of what stands in front in networkPolicy.allowedNamespaces" -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.componentNames" -}}
[gateway, wal, verifier, dedup, signal-scoring, agent, redis, postgresql, jaeger, tools]
{{- end -}}

{{/* A value of a component, its own or that of common. */}}
{{- define "fractal-lba.valueOf" -}}
{{- $own := get .root.Values .name -}}
{{- $shared := .root.Values.common -}}
{{- $word := first .path -}}
{{- $last := last .path -}}
{{- $mine := get $own $word | default dict -}}
{{- if hasKey $mine $last }}{{ get $mine $last }}{{ else }}{{ get (get $shared $word) $last }}{{ end -}}
{{- end -}}
