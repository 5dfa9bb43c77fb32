{{/*
Everything here takes a component: a dict with
  root    the umbrella's context
  name    gateway, wal, verifier, signal-scoring, dedup, agent, redis, postgresql, jaeger, tools
  values  its values over those of "common"
  spec    what its subchart says of it: kind, ports, env, volumes, arguments
*/}}

{{/* What all names begin with: the release's name, which is also the gateway's own. */}}
{{- define "common.base" -}}
{{- .Values.fullnameOverride | default .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* app.kubernetes.io/name of every object. */}}
{{- define "common.appName" -}}
{{- .Values.nameOverride | default "fractal-lba" | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "common.fullname" -}}
{{- if .values.fullnameOverride -}}
{{- .values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- include "common.nameOf" (dict "root" .root "name" (.values.nameOverride | default .name)) -}}
{{- end -}}
{{- end -}}

{{/* The name of a component from its word alone. */}}
{{- define "common.nameOf" -}}
{{- $base := include "common.base" .root -}}
{{- if eq .name "gateway" }}{{ $base }}{{ else }}{{ printf "%s-%s" $base .name | trunc 52 | trimSuffix "-" }}{{ end -}}
{{- end -}}

{{- define "common.serviceAccountName" -}}
{{- if .values.serviceAccount.create -}}
{{- .values.serviceAccount.name | default (include "common.fullname" .) -}}
{{- else -}}
{{- .values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "common.selectorLabels" -}}
app.kubernetes.io/name: {{ include "common.appName" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{/* Of pods: without versions, so that a new chart alone restarts nobody. */}}
{{- define "common.podLabels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/part-of: fractal-lba
{{- with .root.Values.global.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "common.labels" -}}
{{ include "common.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: fractal-lba
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- with .root.Values.global.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* registry/repository:tag, or @digest where one is given. */}}
{{- define "common.image" -}}
{{- $image := .values.image -}}
{{- $registry := .root.Values.global.imageRegistry | default $image.registry -}}
{{- $repository := $image.repository -}}
{{- $path := ternary (printf "%s/%s" $registry $repository) $repository (ne ($registry | default "") "") -}}
{{- if $image.digest }}{{ $path }}@{{ $image.digest }}
{{- else }}{{ $path }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end -}}
{{- end -}}
