{{/* What every component is made of: its account, its workload, its autoscaler and its disruption budget. */}}
{{- define "fractal-lba.objects" -}}
{{- range list "common.serviceAccount" "common.workload" "common.autoscaler" "common.disruptionBudget" }}
{{- with include . $ }}
---
{{ . }}
{{- end }}
{{- end }}
{{- end -}}
