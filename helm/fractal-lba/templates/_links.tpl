{{/* The text of a rule file or dashboard, whose links lead to runbookBaseUrl and dashboardBaseUrl, or are left out. */}}
{{- define "fractal-lba.linked" -}}
{{- $text := .text -}}
{{- with .root.Values.runbookBaseUrl -}}
{{- $text = replace "https://runbooks.example" (trimSuffix "/" .) $text -}}
{{- else -}}
{{- $text = regexReplaceAll "\n +runbook_url: [^\n]*" $text "" -}}
{{- /* A list of links of a panel, which has no list in it but that of tags, which is empty. */ -}}
{{- $text = regexReplaceAll "\"links\": \\[(?:[^\\[\\]]|\\[\\])*https://runbooks\\.example(?:[^\\[\\]]|\\[\\])*\\]" $text "\"links\": []" -}}
{{- end -}}
{{- with .root.Values.dashboardBaseUrl -}}
{{- $text = replace "https://grafana.example" (trimSuffix "/" .) $text -}}
{{- else -}}
{{- $text = regexReplaceAll "\n +dashboard_url: [^\n]*" $text "" -}}
{{- end -}}
{{- $text -}}
{{- end -}}
