# Completion of nopeek for bash, installed as share/bash-completion/completions/nopeek, which bash-completion reads when
# it is first needed. The program writes the script itself, so that it knows every option of just this version.
eval "$(nopeek --completion bash 2>/dev/null)"
