"""What cannot be asked for together: xCAT's message on stderr, the usage on stdout, exit 1."""

import pytest
from sbrun import Sb, error

VERBS = ("lsdef", "mkdef", "chdef", "rmdef")


def both(one: str, two: str) -> str:
    return f"The flags '{one}' and '{two}' cannot be used together."


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("lsdef -i mgt --osimage", both("-i", "--osimage")),
        ("lsdef -z --osimage", both("-z", "--osimage")),
        ("lsdef -a -t node", both("-a", "-t")),
        ("lsdef -ls", both("-l", "-s")),
        ("lsdef --nics -i mgt", both("-i", "--nics")),
        ("lsdef -i mgt -s", both("-i", "-s")),
        ("lsdef --nics -s", both("-i", "-s")),
        ("lsdef -c", "The flags '-c' and '-i' must be used together."),
        ("lsdef -x", "The '-x' (XML format) option is not yet implemented."),
        ("lsdef -u", "Option '-u' can not work with lsdef."),
        ("lsdef -C", "Option '-C' can not be used with lsdef."),
        ("lsdef n1 n2", "noderange can not contain spaces."),
        ("mkdef n1 n2 groups=all", "noderange can not contain spaces."),
        ("mkdef -u -t node n1", "Option '-u' only work for objtype 'osimage'."),
        ("mkdef -p n1 groups=all", "The '-p' and '-m' options are not valid for the mkdef command."),
        ("mkdef -t node -z", "Cannot combine '-t' and '-a', '-z', or '-x' options."),
        ("mkdef -t node -a", both("-a", "-t")),
        ("mkdef n1 --template a,b", "Only 1 template object definition should be specified for mkdef!"),
        ("mkdef n1 groups=all --template", "no object definition template specified for mkdef --template!"),
        ("mkdef -z --template a", "The file input can not be used with --template option!"),
        ("chdef n1 --template a", "The option '--template' can not be used with 'chdef'."),
        ("chdef n1 -f groups=all", "The '-f' option is not valid for the chdef command."),
        ("chdef n1 -n n2 -p groups=all", "Cannot combine '-n' and '-d','-p','-m','-z','-w' options."),
        ("chdef n1 -p -m groups=all", both("-p", "-m")),
        ("chdef -t node -z", "Cannot combine '-t' and '-a', '-z', or '-x' options."),
        ("chdef -t osimage", "No object names were provided."),
        ("rmdef -t node", "No object names were provided."),
        ("rmdef -a", "You must use the '-f' option when using the '-a' option."),
        ("rmdef -t node -d", "Invalid flag specified, see rmdef manpage for details."),
        ("rmdef n1 -w mgt==ipmi", "Invalid flag specified, see rmdef manpage for details."),
    ],
)
def test_with_the_usage(sb: Sb, words: str, says: str) -> None:
    result = sb(*words.split())
    assert (result.code, result.err) == (1, error(says))
    assert result.out.startswith(f"\nUsage: {words.split()[0]} - ")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("lsdef -a n1", "Cannot use '-a' with '-o', a noderange or file input."),
        ("rmdef -a -f n1", "Cannot use '-a' with '-o', a noderange or file input."),
        ("mkdef groups=all", "No object names were provided."),
        ("mkdef -t network net=10.0.0.0 mask=255.0.0.0", "No object names were provided."),
        ("mkdef -f", "No object names were provided."),
        ("rmdef -f", "No object names were provided."),
        ("chdef groups=all", "No object names were provided."),
        ("chdef n1 -p nicips.eth0=10.0.0.1", None),
        ("mkdef n1 -i mgt groups=all", "The '-i' option is only valid for the lsdef command."),
        ("chdef -t osimage x -u -p profile=x", "Cannot use '-u' with '-p' or '-m'."),
        (
            "mkdef -t node,osimage x groups=all",
            "Cannot combine multiple types with 'att=val' pairs on the command line.",
        ),
        ("mkdef n1 =x", "Incorrect 'attr=val' pair - =x"),
        ("lsdef -t bogus", "\nType 'bogus' is not a valid xCAT object type."),
    ],
)
def test_without_the_usage(sb: Sb, words: str, says: str | None) -> None:
    result = sb(*words.split())
    says = says or "chdef does not support to change the nic related attributes with -m or -p flag."
    assert (result.code, result.out, result.err) == (1, "", error(says))


def test_stanza_with_names(sb: Sb) -> None:
    for verb in ("mkdef", "chdef"):
        result = sb(verb, "-z", "n1")
        assert (result.code, result.err) == (
            1,
            error("Cannot use '-z' with '-o' or a noderange.", f"Example of -z usage:\n\t'cat stanzafile | {verb} -z'"),
        )
        assert sb(verb, "-z", stdin="").err == error("No object names were provided.")


@pytest.mark.parametrize("verb", VERBS)
def test_usage_and_version(sb: Sb, verb: str) -> None:
    shown = sb(verb, "-h")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(f"\nUsage: {verb} - ")
    assert sb(verb, "-?").out == shown.out
    assert sb(verb, "-v").out.startswith(f"{verb} - Version ")
    unknown = sb(verb, "--nosuch")
    assert (unknown.code, unknown.out) == (1, shown.out)
    assert unknown.err.startswith(error("Invalid option..").rstrip("\n"))


@pytest.mark.parametrize("verb", ["mkdef", "chdef", "rmdef"])
def test_no_words_show_the_usage_without_blame(sb: Sb, verb: str) -> None:
    assert sb(verb) == (0, sb(verb, "-h").out, "")


def test_new_name_has_to_be_a_name(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    result = sb("chdef", "n1", "-n", "a b")
    assert result.code == 1
    assert "The new object name 'a b' is not valid.Please refer to" in result.err


def test_help_of_attributes(sb: Sb) -> None:
    whole = sb("lsdef", "-t", "osimage", "-h")
    lines = whole.out.splitlines()
    assert (whole.code, whole.err) == (0, "")
    assert lines[:3] == [
        "The valid attribute names for object type 'osimage' are:", "Attribute          Description", "",
    ]  # fmt: skip
    assert any(line.startswith("pkglist:\t") for line in lines)
    one = sb("lsdef", "-t", "node", "-h", "-i", "nicips.eth0,mgt").out
    assert one.startswith("Attribute          Description\n\nmgt:\t\t")
    assert "\nnicips:\t\t" in one
    assert "\nmac:" not in one
    assert "Type 'bogus' is not a valid" in sb("lsdef", "-t", "bogus", "-h").err
