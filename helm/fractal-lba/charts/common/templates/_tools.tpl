{{/* The pod of something that runs once. Takes a component whose spec has args or command; restarts are the Job's. */}}
{{- define "common.jobPod" -}}
{{- $template := include "common.podTemplate" . | fromYaml -}}
{{- $_ := set $template.spec "restartPolicy" "Never" -}}
{{- range $template.spec.containers }}{{ $_ := unset . "ports" }}{{ end -}}
{{- toYaml $template -}}
{{- end -}}
