{{/*
The environment of a container, each name once (a duplicate is an error of Helm 4's server-side apply): what the subchart
says of it, then `env`, then `extraEnv`; the later one wins. Names from fields and secrets come first, because values may
refer to them.
*/}}
{{- define "common.env" -}}
{{- $entries := dict -}}
{{- $order := list -}}
{{- range .spec.env -}}
{{- $_ := set $entries .name . -}}
{{- $order = append (without $order .name) .name -}}
{{- end -}}
{{- range $name, $value := .values.env -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $_ := set $entries $name (dict "name" $name "value" (include "common.text" $value)) -}}
{{- $order = append (without $order $name) $name -}}
{{- end -}}
{{- end -}}
{{- range .values.extraEnv -}}
{{- $_ := set $entries .name . -}}
{{- $order = append (without $order .name) .name -}}
{{- end -}}
{{- $list := list -}}
{{- range $order }}{{ $list = append $list (get $entries .) }}{{ end -}}
{{- if $list }}{{ toYaml $list }}{{ end -}}
{{- end -}}

{{/* A value as the text of a variable: whole numbers without exponent. */}}
{{- define "common.text" -}}
{{- if kindIs "float64" . }}{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ . }}{{ end -}}
{{- end -}}
