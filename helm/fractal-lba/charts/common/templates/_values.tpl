{{/*
Lays `over` on `base`, in place. Maps are joined; what is listed below is taken whole, because half of a probe beside
half of another is none. (Sprig's merge takes false, 0 and "" for not set.)
*/}}
{{- define "common.lay" -}}
{{- $whole := list "livenessProbe" "readinessProbe" "startupProbe" "lifecycle" "affinity" -}}
{{- range $key, $value := .over -}}
{{- $under := get $.base $key -}}
{{- if and (kindIs "map" $value) (kindIs "map" $under) (not (has $key $whole)) -}}
{{- include "common.lay" (dict "base" $under "over" $value) -}}
{{- else -}}
{{- $_ := set $.base $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Makes `into` the component `name` of `root`. */}}
{{- define "common.component" -}}
{{- $values := deepCopy .root.Values.common -}}
{{- $_ := unset $values "global" -}}
{{- include "common.lay" (dict "base" $values "over" (deepCopy (get .root.Values .name | default dict))) -}}
{{- $_ := set .into "root" .root -}}
{{- $_ := set .into "name" .name -}}
{{- $_ := set .into "values" $values -}}
{{- $_ := set .into "spec" (include (printf "%s.spec" .name) .into | fromYaml) -}}
{{- if hasKey .into.spec "Error" }}{{ fail (printf "%s.spec: %s" .name .into.spec.Error) }}{{ end -}}
{{- end -}}

{{/* A map as YAML, without what is null: that is how a value takes a default away. */}}
{{- define "common.present" -}}
{{- $kept := dict -}}
{{- range $key, $value := . -}}
{{- if kindIs "map" $value -}}
{{- $_ := set $kept $key (include "common.present" $value | fromYaml) -}}
{{- else if not (kindIs "invalid" $value) -}}
{{- $_ := set $kept $key $value -}}
{{- end -}}
{{- end -}}
{{- if $kept }}{{ toYaml $kept }}{{ end -}}
{{- end -}}
