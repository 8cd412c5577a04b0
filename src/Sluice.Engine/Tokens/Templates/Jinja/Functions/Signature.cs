namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>What a function takes: parameters by place or name, of which the last may be left out.</summary>
internal sealed class Signature
{
    /// <summary>Stands for a parameter that was left out.</summary>
    public static readonly object Missing = new();

    private readonly string[] _parameters;
    private readonly int _required;

    /// <summary>Whether further positional arguments are taken.</summary>
    private readonly bool _takesMore;

    /// <summary>Whether further named arguments are taken.</summary>
    private readonly bool _takesNamed;

    private Signature(string[] parameters, int required, bool takesMore, bool takesNamed)
    {
        _parameters = parameters;
        _required = required;
        _takesMore = takesMore;
        _takesNamed = takesNamed;
    }

    /// <summary>Reads names with spaces between them: <c>name</c> is required, <c>name?</c> is not, <c>*</c> takes further positional arguments, <c>**</c> further named ones.</summary>
    public static Signature Parse(string text)
    {
        var words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var parameters = words.Where(word => word[0] != '*').ToArray();
        return new Signature(
            [.. parameters.Select(word => word.TrimEnd('?'))], parameters.Count(word => !word.EndsWith('?')), words.Contains("*"), words.Contains("**"));
    }

    /// <summary>Brings arguments into the parameters' order.</summary>
    /// <exception cref="JinjaFault">They do not fit.</exception>
    public (object?[] Values, List<object?> More, List<(string Name, object? Value)> Named) Bind(string function, Arguments arguments)
    {
        var values = new object?[_parameters.Length];
        Array.Fill(values, Missing);
        var direct = Math.Min(values.Length, arguments.Positional.Count);
        arguments.Positional.CopyTo(0, values, 0, direct);
        var more = arguments.Positional[direct..];
        if (more.Count > 0 && !_takesMore)
        {
            throw new JinjaFault($"'{function}' takes {Describe()}, not {arguments.Positional.Count} arguments");
        }

        var named = new List<(string, object?)>();
        foreach (var (name, value) in arguments.Named)
        {
            var place = Array.IndexOf(_parameters, name);
            if (place >= 0 && ReferenceEquals(values[place], Missing))
            {
                values[place] = value;
            }
            else if (place < 0 && _takesNamed)
            {
                named.Add((name, value));
            }
            else
            {
                throw new JinjaFault(place >= 0 ? $"'{function}' gets two values for '{name}'" : $"'{function}' has no parameter '{name}'; it takes {Describe()}");
            }
        }

        for (var i = 0; i < _required; i++)
        {
            if (ReferenceEquals(values[i], Missing))
            {
                throw new JinjaFault($"'{function}' needs a value for '{_parameters[i]}'");
            }
        }

        return (values, more, named);
    }

    private string Describe() => _parameters.Length == 0 ? "no arguments" : $"({string.Join(", ", _parameters)})";
}
