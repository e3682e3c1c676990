# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completion of elfmap for fish. The command in the command line provides the candidates, so they match its version.

function __elfmap_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)

    for line in ($words[1] --complete $words[2..-1] "$word" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$word"
            case ':command *'
                set -l from (math (string split ' ' -- $line)[2] + 2)
                complete -C (string join ' ' -- (string escape -- $words[$from..-1]) "$word")
            case '*'
                echo $line
        end
    end
end

complete -c elfmap -f -a '(__elfmap_complete)'
