# SPDX-License-Identifier: MIT
# Completion for fish: source completion/onceproof.fish. It asks the built program (onceproof --complete), and never builds.

# Prints the built program behind the command word: itself, or what its launcher built.
function __onceproof_program
    set -l word (command -s -- (string replace -r '^~' -- $HOME $argv[1])); or return 1
    set -l tree (dirname -- (realpath -- $word))
    set -l built $tree/build
    set -q ONCEPROOF_BUILD_DIR; and set built $ONCEPROOF_BUILD_DIR
    set -l preset gcc
    set -q ONCEPROOF_PRESET; and set preset $ONCEPROOF_PRESET
    if test -x $built/$preset/bin/onceproof
        echo $built/$preset/bin/onceproof
    else if not test -e $tree/CMakePresets.json
        echo $word
    else
        return 1
    end
end

function __onceproof_complete
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    set -l program (__onceproof_program $before[1]); or return
    set -l prefix (string match -r -- '^--[a-z0-9-]*=' $current)
    # Nothing in front of a word would be no word at all.
    set -q prefix[1]; or set prefix ''
    set -l part (string replace -r -- '^--[a-z0-9-]*=' '' $current)
    for line in ($program --complete $before[2..] "$current" 2>/dev/null)
        switch $line
            case ':files *'
                for ending in (string match -ra -- '\.[a-z]+' $line)
                    for path in (__fish_complete_path "$part")
                        string match -rq -- "($ending|/)(\t.*)?\$" $path; and echo $prefix$path
                    end
                end
            case ':files'
                for path in (__fish_complete_path "$part")
                    echo $prefix$path
                end
            case ':folders'
                for path in (__fish_complete_directories "$part" '')
                    echo $prefix$path
                end
            case '*'
                echo $line
        end
    end
end
complete -c onceproof -f -a '(__onceproof_complete)'
