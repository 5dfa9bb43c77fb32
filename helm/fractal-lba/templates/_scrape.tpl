{{/* What a monitor says of a port: the labels that the rules use, and the password of /metrics. */}}
{{- define "fractal-lba.scrape" -}}
{{- with .root.Values.prometheus.monitors.interval }}
interval: {{ . }}
{{- end }}
{{- with .root.Values.prometheus.monitors.scrapeTimeout }}
scrapeTimeout: {{ . }}
{{- end }}
{{- if hasKey .auth "METRICS_USER" }}
basicAuth:
  username: {{ toYaml .auth.METRICS_USER | nindent 4 }}
  password: {{ toYaml .auth.METRICS_PASS | nindent 4 }}
{{- end }}
relabelings:
  - {targetLabel: job, replacement: {{ .job }}}
  - {targetLabel: service, replacement: {{ .service }}}
{{- end -}}
