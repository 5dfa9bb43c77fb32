{{/* The Secret with the certificate of a role, or nothing where there is no TLS between the services. */}}
{{- define "fractal-lba.tlsSecret" -}}
{{- $m := .root.Values.mtls -}}
{{- if and $m.enabled (has .name (list "gateway" "wal" "verifier" "dedup" "signal-scoring" "tools")) -}}
{{- $own := get $m.existingSecrets .name -}}
{{- if $own }}{{ $own }}
{{- else if $m.existingSecret }}{{ $m.existingSecret }}
{{- else }}{{ include "common.base" .root }}-{{ .name }}-tls{{ end -}}
{{- end -}}
{{- end -}}

{{/* Variables of a program that say how it is secured, by name. */}}
{{- define "fractal-lba.securityEnv" -}}
{{- $m := .root.Values.mtls -}}
{{- $env := dict -}}
{{- if include "fractal-lba.tlsSecret" . -}}
{{- $_ := set $env "TLS_ENABLED" "true" -}}
{{- $_ := set $env "TLS_CERT_FILE" (printf "%s/tls.crt" $m.mountPath) -}}
{{- $_ := set $env "TLS_KEY_FILE" (printf "%s/tls.key" $m.mountPath) -}}
{{- $_ := set $env "TLS_CA_FILE" (printf "%s/ca.crt" $m.mountPath) -}}
{{- else if has .name (list "wal" "verifier" "dedup" "signal-scoring") -}}
{{- $_ := set $env "INSECURE_LISTEN" "true" -}}
{{- end -}}
{{- if include "fractal-lba.gatewayCa" . -}}
{{- $_ := set $env "TLS_CA_FILE" "/etc/gateway-ca/ca.crt" -}}
{{- end -}}
{{- if and (eq .name "gateway") .root.Values.gateway.publicTls.existingSecret -}}
{{- $_ := set $env "PUBLIC_TLS_CERT_FILE" "/etc/public-tls/tls.crt" -}}
{{- $_ := set $env "PUBLIC_TLS_KEY_FILE" "/etc/public-tls/tls.key" -}}
{{- if .root.Values.gateway.publicTls.clientCa -}}
{{- $_ := set $env "PUBLIC_TLS_CLIENT_CA_FILE" "/etc/public-tls/ca.crt" -}}
{{- end -}}
{{- end -}}
{{- toYaml $env -}}
{{- end -}}

{{/*
Where a client of the gateway finds the authority of its certificate: the Secret, or nothing where the gateway speaks
plain HTTP, or the client has it already. Of that Secret the authority alone is mounted.
*/}}
{{- define "fractal-lba.gatewayCa" -}}
{{- $public := .root.Values.gateway.publicTls.existingSecret -}}
{{- if and $public (or (eq .name "agent") (eq (.purpose | default "") "check")) -}}
secret: {{ $public }}
{{- else if and (eq .name "agent") .root.Values.mtls.enabled -}}
secret: {{ include "fractal-lba.tlsSecret" (dict "root" .root "name" "gateway") }}
{{- end -}}
{{- end -}}
