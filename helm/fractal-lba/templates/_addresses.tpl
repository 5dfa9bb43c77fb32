{{/* host:port that a process listens on. */}}
{{- define "fractal-lba.listen" -}}
{{- $host := .root.Values.global.listenAddress -}}
{{- if contains ":" $host }}[{{ $host }}]:{{ .port }}{{ else }}{{ $host }}:{{ .port }}{{ end -}}
{{- end -}}

{{/* The headless name of a service, over whose addresses its callers spread. */}}
{{- define "fractal-lba.address" -}}
{{- $c := dict -}}
{{- if (get .root.Values .name).enabled -}}
{{- include "common.name" . }}:{{ .port -}}
{{- end -}}
{{- end -}}

{{/*
Of a component of the chart, without its spec: for those that call it.
*/}}
{{- define "common.name" -}}
{{- $values := get .root.Values .name -}}
{{- $both := dict "nameOverride" (get $values "nameOverride" | default "") "fullnameOverride" (get $values "fullnameOverride" | default "") -}}
{{- include "common.fullname" (dict "root" .root "name" .name "values" $both) -}}
{{- end -}}

{{/* A name for each log, because a log is no replica of another: pod.service, from the first to `count`. */}}
{{- define "fractal-lba.walAddresses" -}}
{{- if .root.Values.wal.enabled -}}
{{- $name := include "common.name" (dict "root" .root "name" "wal") -}}
{{- $list := list -}}
{{- range $i := until (int .count) -}}
{{- $list = append $list (printf "%s-%d.%s:8082" $name $i $name) -}}
{{- end -}}
{{- join "," $list -}}
{{- end -}}
{{- end -}}

{{/* Where agents, tests and people inside the cluster find the gateway. */}}
{{- define "fractal-lba.endpoint" -}}
{{- $scheme := ternary "https" "http" (ne (include "fractal-lba.hasPublicTls" .) "") -}}
{{- printf "%s://%s:%d" $scheme (include "common.name" (dict "root" . "name" "gateway")) (int .Values.gateway.service.port) -}}
{{- end -}}

{{/* Something where the gateway's fronts speak TLS. */}}
{{- define "fractal-lba.hasPublicTls" -}}
{{- if or .Values.mtls.enabled .Values.gateway.publicTls.existingSecret }}yes{{ end -}}
{{- end -}}
