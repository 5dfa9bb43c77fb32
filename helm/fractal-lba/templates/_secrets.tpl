{{/* The Secret that the chart makes. */}}
{{- define "fractal-lba.secretName" -}}
{{ include "common.base" . }}-secrets
{{- end -}}

{{/* The variables that a group has when nothing else is said. */}}
{{- define "fractal-lba.groupVariables" -}}
{{- $alg := include "fractal-lba.signAlg" .root -}}
{{- $standard := dict
  "signing" (ternary (list "PCS_HMAC_KEY") list (eq $alg "hmac"))
  "agent" (ternary (list "PCS_ED25519_PRIV_B64") (list "PCS_HMAC_KEY") (eq $alg "ed25519"))
  "metrics" (list "METRICS_USER" "METRICS_PASS")
  "redis" (list "REDIS_PASSWORD")
  "postgres" (list "POSTGRES_CONN")
-}}
{{- toYaml (get $standard .group) -}}
{{- end -}}

{{/* Entries of `env` for the secret variables of a group. */}}
{{- define "fractal-lba.secretEnv" -}}
{{- $entries := list -}}
{{- $group := get .root.Values.secrets .group | default dict -}}
{{- if and (eq .group "agent") (eq (include "fractal-lba.signAlg" .root) "hmac") (not $group.existingSecret) (not $group.values) -}}
{{- /* With HMAC the agent signs with what the verifier verifies with. */ -}}
{{- $entries = include "fractal-lba.secretEnv" (dict "root" .root "group" "signing") | fromYamlArray -}}
{{- else if $group.existingSecret -}}
{{- $keys := deepCopy $group.keys -}}
{{- if not $keys -}}
{{- range include "fractal-lba.groupVariables" . | fromYamlArray }}{{ $_ := set $keys . . }}{{ end -}}
{{- end -}}
{{- range $variable, $key := $keys -}}
{{- $entries = append $entries (include "fractal-lba.secretEntry" (list $variable $group.existingSecret $key) | fromYaml) -}}
{{- end -}}
{{- else if .root.Values.secrets.createSecret -}}
{{- $root := .root -}}
{{- range $variable, $_ := include "fractal-lba.groupData" . | fromYaml -}}
{{- $entries = append $entries (include "fractal-lba.secretEntry" (list $variable (include "fractal-lba.secretName" $root) $variable) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .group "redis") .root.Values.redis.enabled .root.Values.redis.auth.enabled (not $group.existingSecret) (not $group.values) -}}
{{- $auth := .root.Values.redis.auth -}}
{{- if $auth.existingSecret -}}
{{- $entries = list (include "fractal-lba.secretEntry" (list "REDIS_PASSWORD" $auth.existingSecret $auth.existingSecretKey) | fromYaml) -}}
{{- else -}}
{{- $entries = list (include "fractal-lba.secretEntry" (list "REDIS_PASSWORD" (include "fractal-lba.secretName" .root) "REDIS_PASSWORD") | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- if and (eq .group "postgres") (not $group.existingSecret) (not $group.values) -}}
{{- if and .root.Values.postgresql.external.dsn (not .root.Values.postgresql.enabled) -}}
{{- $entries = list (include "fractal-lba.secretEntry" (list "POSTGRES_CONN" (include "fractal-lba.secretName" .root) "POSTGRES_CONN") | fromYaml) -}}
{{- end -}}
{{- with include "fractal-lba.postgresPassword" .root | fromYaml -}}
{{- $entries = list (include "fractal-lba.secretEntry" (list "POSTGRES_PASSWORD" .secret .key) | fromYaml) -}}
{{- end -}}
{{- end -}}
{{- toYaml $entries -}}
{{- end -}}

{{- define "fractal-lba.secretEntry" -}}
{{- toYaml (dict "name" (index . 0) "valueFrom" (dict "secretKeyRef" (dict "name" (index . 1) "key" (index . 2)))) -}}
{{- end -}}

{{/* What the chart's own Secret holds of a group, by variable: as it is given, or generated once. */}}
{{- define "fractal-lba.groupData" -}}
{{- $group := get .root.Values.secrets .group | default dict -}}
{{- $data := dict -}}
{{- if not $group.existingSecret -}}
{{- range $variable, $value := $group.values -}}
{{- if $value }}{{ $_ := set $data $variable $value }}{{ end -}}
{{- end -}}
{{- if and (eq .group "signing") (not $data) (include "fractal-lba.generatesHmacKey" .root) -}}
{{- $_ := set $data "PCS_HMAC_KEY" (include "fractal-lba.generated" (dict "root" .root "variable" "PCS_HMAC_KEY" "instead" "secrets.signing.existingSecret")) -}}
{{- end -}}
{{- end -}}
{{- if $data }}{{ toYaml $data }}{{ end -}}
{{- end -}}

{{/* Something where nobody has given a key for hmac, in whatever way. */}}
{{- define "fractal-lba.generatesHmacKey" -}}
{{- $s := .Values.secrets -}}
{{- $v := .Values.verifier -}}
{{- if and $v.enabled (eq (include "fractal-lba.signAlg" .) "hmac") $s.createSecret (not $s.keyRing.existingSecret) (not (include "fractal-lba.hasSecretSource" $v)) }}yes{{ end -}}
{{- end -}}

{{/* Something where a component is given variables from Secrets or single entries of which the chart knows no names. */}}
{{- define "fractal-lba.hasSecretSource" -}}
{{- range .envFrom }}{{ if .secretRef }}yes{{ end }}{{ end -}}
{{- range .extraEnv }}{{ if hasPrefix "PCS_HMAC_KEY" .name }}yes{{ end }}{{ end -}}
{{- end -}}

{{/*
A random text, made at the first install and then read from the Secret in the cluster. Where there is no cluster, each
render would make another one: that is refused.
*/}}
{{- define "fractal-lba.generated" -}}
{{- $cache := .root.Values.global -}}
{{- $made := get $cache "generated" | default dict -}}
{{- if not (hasKey $made .variable) -}}
{{- $existing := lookup "v1" "Secret" .root.Release.Namespace (include "fractal-lba.secretName" .root) -}}
{{- $old := get (get $existing "data" | default dict) .variable | default "" -}}
{{- if $old -}}
{{- $_ := set $made .variable ($old | b64dec) -}}
{{- else if or (lookup "v1" "Namespace" "" .root.Release.Namespace) (lookup "v1" "Namespace" "" "kube-system") -}}
{{- $_ := set $made .variable (randAlphaNum 48) -}}
{{- else -}}
{{- fail (printf "%s is generated in the cluster at the first install, and this render sees no cluster (helm template, Argo CD): each render would make another key. Make a Secret and name it in %s" .variable .instead) -}}
{{- end -}}
{{- $_ := set $cache "generated" $made -}}
{{- end -}}
{{- get $made .variable -}}
{{- end -}}

{{/* The password of the Redis or Postgres of this chart: given, or generated. */}}
{{- define "fractal-lba.storePassword" -}}
{{- $auth := (get .root.Values .store).auth -}}
{{- if $auth.password }}{{ $auth.password }}
{{- else }}{{ include "fractal-lba.generated" (dict "root" .root "variable" .variable "instead" (printf "%s.auth.existingSecret" .store)) }}{{ end -}}
{{- end -}}

{{/* All data of the chart's own Secret. */}}
{{- define "fractal-lba.secretData" -}}
{{- $root := . -}}
{{- $data := dict -}}
{{- range $group := list "signing" "agent" "metrics" "redis" "postgres" -}}
{{- $data = mergeOverwrite $data (include "fractal-lba.groupData" (dict "root" $root "group" $group) | fromYaml) -}}
{{- end -}}
{{- with .Values.redis -}}
{{- if and .enabled .auth.enabled (not .auth.existingSecret) -}}
{{- $_ := set $data "REDIS_PASSWORD" (include "fractal-lba.storePassword" (dict "root" $root "store" "redis" "variable" "REDIS_PASSWORD")) -}}
{{- end -}}
{{- end -}}
{{- with .Values.postgresql -}}
{{- if and .enabled (not .auth.existingSecret) -}}
{{- $_ := set $data "POSTGRES_PASSWORD" (include "fractal-lba.storePassword" (dict "root" $root "store" "postgresql" "variable" "POSTGRES_PASSWORD")) -}}
{{- else if and (not .enabled) .external.password (not .external.dsn) -}}
{{- $_ := set $data "POSTGRES_PASSWORD" .external.password -}}
{{- end -}}
{{- if and (not .enabled) .external.dsn -}}
{{- $_ := set $data "POSTGRES_CONN" .external.dsn -}}
{{- end -}}
{{- end -}}
{{- if $data }}{{ toYaml $data }}{{ end -}}
{{- end -}}

{{/* Over some variables of it. */}}
{{- define "fractal-lba.secretChecksum" -}}
{{- $data := include "fractal-lba.secretData" .root | fromYaml -}}
{{- $own := dict -}}
{{- range .variables }}{{ if hasKey $data . }}{{ $_ := set $own . (get $data .) }}{{ end }}{{ end -}}
{{- toYaml $own | sha256sum -}}
{{- end -}}

{{/* Over what a component gets of it; nothing where it gets nothing. */}}
{{- define "fractal-lba.secretChecksumOf" -}}
{{- $own := include "fractal-lba.secretName" .root -}}
{{- $variables := list -}}
{{- $root := .root -}}
{{- range $group := .groups -}}
{{- range include "fractal-lba.secretEnv" (dict "root" $root "group" $group) | fromYamlArray -}}
{{- if eq .valueFrom.secretKeyRef.name $own }}{{ $variables = append $variables .name }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if $variables }}{{ include "fractal-lba.secretChecksum" (dict "root" .root "variables" $variables) }}{{ end -}}
{{- end -}}

{{/* Something where a record can be signed in the cluster, or need not be. */}}
{{- define "fractal-lba.canSign" -}}
{{- if eq (include "fractal-lba.signAlg" .) "none" }}yes{{ end -}}
{{- if include "fractal-lba.secretEnv" (dict "root" . "group" "agent") | fromYamlArray }}yes{{ end -}}
{{- end -}}
