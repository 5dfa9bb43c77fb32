{{/*
Who calls whom, and where: the architecture's edges between the parts of the chart, which the network policies open and
nothing else. A test compares those between our own programs with packages/runtime/src/topology.ts.
*/}}
{{- define "fractal-lba.edges" -}}
{{- $backend := include "fractal-lba.dedupBackend" . }}
- {from: gateway, to: wal, port: 8082}
- {from: gateway, to: verifier, port: 8083}
- {from: gateway, to: dedup, port: 8084}
- {from: gateway, to: signal-scoring, port: 8085}
- {from: dedup, to: wal, port: 8082}
- {from: tools, to: wal, port: 8082}
- {from: tools, to: dedup, port: 8084}
- {from: tools, to: gateway, port: 8080}
- {from: agent, to: gateway, port: 8080}
{{- if eq $backend "redis" }}
- {from: dedup, to: redis, port: 6379}
{{- end }}
{{- if eq $backend "postgres" }}
- {from: dedup, to: postgresql, port: 5432}
{{- end }}
{{- range list "gateway" "wal" "verifier" "dedup" "signal-scoring" "agent" }}
- {from: {{ . }}, to: jaeger, port: 4318}
{{- end }}
{{- end -}}

{{/* Where the plain HTTP of a component is, which Prometheus reads; nothing where it has none. */}}
{{- define "fractal-lba.opsPort" -}}
{{- get (dict "gateway" 9081 "wal" 9082 "verifier" 9083 "dedup" 9084 "signal-scoring" 9085 "agent" 9086) . | default "" -}}
{{- end -}}

{{/* Pods of a component, for a policy. Takes root and name. */}}
{{- define "fractal-lba.peer" -}}
podSelector:
  matchLabels:
    {{- include "common.selectorLabels" . | nindent 4 }}
{{- end -}}

{{/* A peer of networkPolicy.stores or .otlp: cidr, or namespace and podLabels. */}}
{{- define "fractal-lba.outsidePeer" -}}
{{- if .cidr -}}
ipBlock:
  cidr: {{ .cidr }}
{{- else -}}
{{- with .namespace -}}
namespaceSelector:
  matchLabels:
    kubernetes.io/metadata.name: {{ . }}
{{ end -}}
{{- if or .podLabels (not .namespace) -}}
podSelector:
  {{- with .podLabels }}
  matchLabels:
    {{- toYaml . | nindent 4 }}
  {{- else }} {}
  {{- end }}
{{- end -}}
{{- end -}}
{{- end -}}
