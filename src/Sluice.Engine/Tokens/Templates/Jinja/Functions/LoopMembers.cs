using System.Numerics;
using Sluice.Engine.Tokens.Templates.Jinja.Running;

namespace Sluice.Engine.Tokens.Templates.Jinja.Functions;

/// <summary>What stands behind 'loop.'.</summary>
internal static class LoopMembers
{
    private static readonly NativeTable Methods = new()
    {
        { "cycle", "*", Cycle },
        { "changed", "*", call => ((LoopContext)call.Subject!).Changed(call.More) },
    };

    public static bool TryGet(LoopContext loop, string name, out object? value)
    {
        value = name switch
        {
            "index" => new BigInteger(loop.Index),
            "index0" => new BigInteger(loop.Index0),
            "revindex" => new BigInteger(loop.Length - loop.Index0),
            "revindex0" => new BigInteger(loop.Length - loop.Index),
            "first" => loop.Index0 == 0,
            "last" => loop.IsLast,
            "length" => new BigInteger(loop.Length),
            "depth" => new BigInteger(loop.Depth),
            "depth0" => new BigInteger(loop.Depth - 1),
            "previtem" => loop.Previous,
            "nextitem" => loop.Next,
            _ when Methods.TryGetValue(name, out var method) => new NativeFunction(method, loop),
            _ => Signature.Missing,
        };
        return !ReferenceEquals(value, Signature.Missing);
    }

    private static object? Cycle(NativeCall call) => call.More.Count > 0
        ? call.More[((LoopContext)call.Subject!).Index0 % call.More.Count]
        : throw new JinjaFault("'loop.cycle' needs values to cycle through");
}
