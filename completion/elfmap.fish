# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Completes elfmap's words in fish. It asks the command that is being typed, so that it knows what that one knows.

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
