{{/* The value of a variable for a component: its own `env`, else config.data, else `default`. */}}
{{- define "fractal-lba.setting" -}}
{{- $own := get (get .root.Values .name) "env" | default dict -}}
{{- $shared := .root.Values.config.data -}}
{{- if and (hasKey $own .variable) (not (kindIs "invalid" (get $own .variable))) -}}
{{- include "common.text" (get $own .variable) -}}
{{- else if and (hasKey $shared .variable) (not (kindIs "invalid" (get $shared .variable))) -}}
{{- include "common.text" (get $shared .variable) -}}
{{- else -}}
{{- .default | default "" -}}
{{- end -}}
{{- end -}}

{{- define "fractal-lba.dedupBackend" -}}
{{- include "fractal-lba.setting" (dict "root" . "name" "dedup" "variable" "DEDUP_BACKEND" "default" "memory") -}}
{{- end -}}

{{- define "fractal-lba.signAlg" -}}
{{- include "fractal-lba.setting" (dict "root" . "name" "verifier" "variable" "PCS_SIGN_ALG") -}}
{{- end -}}

{{/* The ConfigMap that all services take their settings from, or nothing. */}}
{{- define "fractal-lba.configMapName" -}}
{{- if .Values.config.existingConfigMap }}{{ .Values.config.existingConfigMap }}
{{- else if .Values.config.createConfigMap }}{{ include "common.base" . }}-config{{ end -}}
{{- end -}}

{{/* The data of that ConfigMap. */}}
{{- define "fractal-lba.configData" -}}
{{- $data := dict -}}
{{- if .Values.jaeger.enabled -}}
{{- $_ := set $data "OTEL_EXPORTER_OTLP_ENDPOINT" (printf "http://%s:4318" (include "common.name" (dict "root" . "name" "jaeger"))) -}}
{{- end -}}
{{- with .Values.runbookBaseUrl }}{{ $_ := set $data "RUNBOOK_BASE_URL" . }}{{ end -}}
{{- with .Values.dashboardBaseUrl }}{{ $_ := set $data "DASHBOARD_BASE_URL" . }}{{ end -}}
{{- range $name, $value := .Values.config.data -}}
{{- if not (kindIs "invalid" $value) }}{{ $_ := set $data $name (include "common.text" $value) }}{{ end -}}
{{- end -}}
{{- toYaml $data -}}
{{- end -}}

{{/*
What the pods of every program of ours share: env, envFrom, volumes and mounts, annotations. Takes
  component  see common
  env        variables by name; those with an empty value are left out, and what config.data or `env` says goes before
  secrets    the groups of secret variables that it may know
  data       absent: no /data; {}: an empty one; {claimed: true}: from its claim template; {claim}: from that claim
  keyRing    whether the key file is mounted, where there is one
*/}}
{{- define "fractal-lba.podParts" -}}
{{- $root := .component.root -}}
{{- $name := .component.name -}}
{{- $shared := $root.Values.config.data -}}
{{- $env := list -}}
{{- range $group := .secrets -}}
{{- $env = concat $env (include "fractal-lba.secretEnv" (dict "root" $root "group" $group) | fromYamlArray) -}}
{{- end -}}
{{- $values := mergeOverwrite (dict) .env (include "fractal-lba.securityEnv" .component | fromYaml) -}}
{{- range $variable, $value := $values -}}
{{- if and (ne $value "") (kindIs "invalid" (get $shared $variable | default nil)) -}}
{{- $env = append $env (dict "name" $variable "value" $value) -}}
{{- end -}}
{{- end -}}
{{- $annotations := dict -}}
{{- with include "fractal-lba.configChecksum" (dict "root" $root "name" $name) }}{{ $_ := set $annotations "checksum/config" . }}{{ end -}}
{{- with include "fractal-lba.secretChecksumOf" (dict "root" $root "groups" .secrets) }}{{ $_ := set $annotations "checksum/secret" . }}{{ end -}}
{{- with include "fractal-lba.opsPort" $name -}}
{{- if $root.Values.prometheus.podAnnotations -}}
{{- $_ := set $annotations "prometheus.io/scrape" "true" -}}
{{- $_ := set $annotations "prometheus.io/port" . -}}
{{- $_ := set $annotations "prometheus.io/path" "/metrics" -}}
{{- end -}}
{{- end -}}
{{- $mounts := list (dict "name" "tmp" "mountPath" "/tmp") -}}
{{- $volumes := list (dict "name" "tmp" "emptyDir" (dict)) -}}
{{- if hasKey . "data" -}}
{{- $mounts = append $mounts (dict "name" "data" "mountPath" "/data") -}}
{{- if .data.claim -}}
{{- $volumes = append $volumes (dict "name" "data" "persistentVolumeClaim" (dict "claimName" .data.claim)) -}}
{{- else if not .data.claimed -}}
{{- $volumes = append $volumes (dict "name" "data" "emptyDir" (dict)) -}}
{{- end -}}
{{- end -}}
{{- if and .keyRing $root.Values.secrets.keyRing.existingSecret -}}
{{- $mounts = append $mounts (dict "name" "pcs-keys" "mountPath" "/etc/pcs-keys" "readOnly" true) -}}
{{- $volumes = append $volumes (dict "name" "pcs-keys" "secret" (dict "secretName" $root.Values.secrets.keyRing.existingSecret "defaultMode" 288)) -}}
{{- end -}}
{{- with include "fractal-lba.tlsSecret" (dict "root" $root "name" $name) -}}
{{- $mounts = append $mounts (dict "name" "tls" "mountPath" $root.Values.mtls.mountPath "readOnly" true) -}}
{{- $volumes = append $volumes (dict "name" "tls" "secret" (dict "secretName" . "defaultMode" 288)) -}}
{{- end -}}
{{- if and (eq $name "gateway") $root.Values.gateway.publicTls.existingSecret -}}
{{- $mounts = append $mounts (dict "name" "public-tls" "mountPath" "/etc/public-tls" "readOnly" true) -}}
{{- $volumes = append $volumes (dict "name" "public-tls" "secret" (dict "secretName" $root.Values.gateway.publicTls.existingSecret "defaultMode" 288)) -}}
{{- end -}}
{{- with include "fractal-lba.gatewayCa" .component | fromYaml -}}
{{- $mounts = append $mounts (dict "name" "gateway-ca" "mountPath" "/etc/gateway-ca" "readOnly" true) -}}
{{- $volumes = append $volumes (dict "name" "gateway-ca" "secret" (dict "secretName" .secret "defaultMode" 288 "items" (list (dict "key" "ca.crt" "path" "ca.crt")))) -}}
{{- end -}}
{{- $envFrom := list -}}
{{- with include "fractal-lba.configMapName" $root }}{{ $envFrom = append $envFrom (dict "configMapRef" (dict "name" .)) }}{{ end -}}
{{- toYaml (dict "env" $env "envFrom" $envFrom "podAnnotations" $annotations "volumeMounts" $mounts "volumes" $volumes) -}}
{{- end -}}

{{/* Over what the component reads of the ConfigMap: a setting of another one restarts nobody. */}}
{{- define "fractal-lba.configChecksum" -}}
{{- if and .root.Values.config.createConfigMap (not .root.Values.config.existingConfigMap) -}}
{{- $reads := get (include "fractal-lba.variables" . | fromYaml) .name | default list -}}
{{- if $reads -}}
{{- $data := include "fractal-lba.configData" .root | fromYaml -}}
{{- $own := dict -}}
{{- range $variable, $value := $data -}}
{{- if has $variable $reads }}{{ $_ := set $own $variable $value }}{{ end -}}
{{- end -}}
{{- toYaml $own | sha256sum -}}
{{- end -}}
{{- end -}}
{{- end -}}
