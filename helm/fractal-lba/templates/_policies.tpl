{{/*
The rules of one component's policy. Both take root, name, edges (all of the architecture) and present (the components that
are there), and may be empty.
*/}}
{{- define "fractal-lba.policyIngress" -}}
{{- $v := .root.Values }}
{{- $n := $v.networkPolicy }}
{{- range $edge := .edges }}
{{- if and (eq $edge.to $.name) (has $edge.from $.present) }}
- from:
    - {{ include "fractal-lba.peer" (dict "root" $.root "name" $edge.from) | indent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ int $edge.port }}}
{{- end }}
{{- end }}
{{- if eq .name "gateway" }}
{{- range $namespace := $n.allowedNamespaces }}
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $namespace }}
      {{- with $n.allowedPodLabels }}
      podSelector:
        matchLabels:
          {{- toYaml . | nindent 10 }}
      {{- end }}
  ports:
    - {protocol: TCP, port: 8080}
    - {protocol: TCP, port: 8081}
{{- end }}
{{- if and $n.allowedPodLabels (not $n.allowedNamespaces) }}
- from:
    - podSelector:
        matchLabels:
          {{- toYaml $n.allowedPodLabels | nindent 10 }}
  ports:
    - {protocol: TCP, port: 8080}
    - {protocol: TCP, port: 8081}
{{- end }}
{{- end }}
{{- $ops := include "fractal-lba.opsPort" .name }}
{{- if and $ops $n.monitoring.namespace }}
# Prometheus: its namespace and its pods, both.
- from:
    - {{ include "fractal-lba.outsidePeer" $n.monitoring | indent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ int $ops }}}
    {{- if and (eq .name "gateway") $v.prometheus.monitors.exemplars }}
    - {protocol: TCP, port: 8080}
    {{- end }}
{{- end }}
{{- with include "fractal-lba.policyExtra" (dict "root" .root "name" .name "rules" "extraIngress") }}
{{ . }}
{{- end }}
{{- end -}}

{{- define "fractal-lba.policyEgress" -}}
{{- $v := .root.Values }}
{{- $n := $v.networkPolicy }}
{{- range $edge := .edges }}
{{- if and (eq $edge.from $.name) (has $edge.to $.present) }}
- to:
    - {{ include "fractal-lba.peer" (dict "root" $.root "name" $edge.to) | indent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ int $edge.port }}}
{{- end }}
{{- end }}
{{- if eq .name "dedup" }}
{{- range $n.stores }}
- to:
    - {{ include "fractal-lba.outsidePeer" . | indent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ int .port }}}
{{- end }}
{{- if and $v.cloudnativepg.enabled (eq (include "fractal-lba.dedupBackend" .root) "postgres") }}
- to:
    - podSelector:
        matchLabels:
          cnpg.io/cluster: {{ include "common.base" .root }}-pg
  ports:
    - {protocol: TCP, port: 5432}
{{- end }}
{{- end }}
{{- if include "fractal-lba.opsPort" .name }}
{{- range $n.otlp }}
- to:
    - {{ include "fractal-lba.outsidePeer" . | indent 6 | trim }}
  ports:
    - {protocol: TCP, port: {{ int .port }}}
{{- end }}
{{- end }}
{{- with include "fractal-lba.policyExtra" (dict "root" .root "name" .name "rules" "extraEgress") }}
{{ . }}
{{- end }}
{{- end -}}

{{/* Rules that values add, in Kubernetes' own form: those of common, then those of the component. */}}
{{- define "fractal-lba.policyExtra" -}}
{{- $own := get (get .root.Values .name) "networkPolicy" | default dict }}
{{- with concat (get .root.Values.common.networkPolicy .rules) (get $own .rules | default list) }}
{{- toYaml . }}
{{- end }}
{{- end -}}
