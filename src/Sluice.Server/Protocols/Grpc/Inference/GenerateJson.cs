using System.Globalization;
using System.Text.Json;
using Google.Protobuf.Collections;
using Sluice.Server.Api;
using Sluice.Server.Configuration;
using Sluice.Server.Protocols.Grpc.V1;
using Sluice.Streams;

namespace Sluice.Server.Protocols.Grpc.Inference;

/// <summary>Writes a request of gRPC as the body of an HTTP request that says the same.</summary>
internal static class GenerateJson
{
    /// <summary>Writes the body; says what cannot be one.</summary>
    public static ApiError? Write(Utf8JsonWriter json, GenerateRequest request)
    {
        json.WriteStartObject();
        if (WriteInput(json, request) is { } error)
        {
            return error;
        }

        WriteOptions(json, request);
        if (request.TemplateValuesJson.Length > 0)
        {
            if (!TryParseObject(request.TemplateValuesJson, out var values))
            {
                return ApiError.Invalid("template_values_json", "template_values_json must be a JSON object.");
            }

            json.WritePropertyName("chat_template_kwargs"u8);
            values.WriteTo(json);
        }

        WriteText(json, "reasoning_effort", request.ReasoningEffort);
        if (request.StopConditions is { } conditions)
        {
            WriteConditions(json, conditions);
        }

        if (request.IncludeProgress)
        {
            json.WriteBoolean("stream"u8, true);
            json.WriteStartObject("stream_options"u8);
            json.WriteBoolean("include_progress"u8, true);
            json.WriteEndObject();
        }

        if (WriteTools(json, request) is { } refusal)
        {
            return refusal;
        }

        json.WriteEndObject();
        return null;
    }

    private static ApiError? WriteInput(Utf8JsonWriter json, GenerateRequest request)
    {
        switch (request.InputCase)
        {
            case GenerateRequest.InputOneofCase.Conversation:
                json.WriteStartArray("messages"u8);
                foreach (var message in request.Conversation.Messages)
                {
                    WriteMessage(json, message);
                }

                json.WriteEndArray();
                if (request.HasLogprobs)
                {
                    json.WriteBoolean("logprobs"u8, true);
                    json.WriteNumber("top_logprobs"u8, request.Logprobs);
                }

                if (request.HasMaxTokens)
                {
                    json.WriteNumber("max_tokens"u8, request.MaxTokens);
                }

                return null;
            case GenerateRequest.InputOneofCase.Prompt:
                json.WriteString("prompt"u8, request.Prompt);
                break;
            case GenerateRequest.InputOneofCase.Tokens:
                json.WriteStartArray("prompt"u8);
                foreach (var id in request.Tokens.Ids)
                {
                    json.WriteNumberValue(id);
                }

                json.WriteEndArray();
                break;
            default:
                return ApiError.Invalid("input", "The request has nothing to go on from: it must have a conversation, a prompt or tokens.");
        }

        if (request.HasLogprobs)
        {
            json.WriteNumber("logprobs"u8, request.Logprobs);
        }

        json.WriteNumber("max_tokens"u8, request.HasMaxTokens ? request.MaxTokens : int.MaxValue); // where nothing is said a body means 16
        return null;
    }

    private static void WriteMessage(Utf8JsonWriter json, Message message)
    {
        json.WriteStartObject();
        json.WriteString("role"u8, message.Role);
        if (message.Content.Length > 0 || message.ToolCalls.Count == 0)
        {
            json.WriteString("content"u8, message.Content);
        }

        WriteText(json, "name", message.Name);
        WriteText(json, "reasoning_content", message.Reasoning);
        WriteText(json, "tool_call_id", message.ToolCallId);
        if (message.ToolCalls.Count > 0)
        {
            json.WriteStartArray("tool_calls"u8);
            foreach (var call in message.ToolCalls)
            {
                json.WriteStartObject();
                json.WriteString("id"u8, call.Id);
                json.WriteString("type"u8, "function"u8);
                json.WriteStartObject("function"u8);
                json.WriteString("name"u8, call.Name);
                json.WriteString("arguments"u8, call.ArgumentsJson);
                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static void WriteOptions(Utf8JsonWriter json, GenerateRequest request)
    {
        WriteText(json, "model", request.Model);
        WriteText(json, "cache_salt", request.CacheSalt);
        WriteNumber(json, "n", request.HasN, request.N);
        WriteNumber(json, "top_k", request.HasTopK, request.TopK);
        WriteNumber(json, "temperature", request.HasTemperature, request.Temperature);
        WriteNumber(json, "top_p", request.HasTopP, request.TopP);
        WriteNumber(json, "min_p", request.HasMinP, request.MinP);
        WriteNumber(json, "typical_p", request.HasTypicalP, request.TypicalP);
        WriteNumber(json, "repetition_penalty", request.HasRepetitionPenalty, request.RepetitionPenalty);
        WriteNumber(json, "presence_penalty", request.HasPresencePenalty, request.PresencePenalty);
        WriteNumber(json, "frequency_penalty", request.HasFrequencyPenalty, request.FrequencyPenalty);
        if (request.HasSeed)
        {
            json.WriteNumber("seed"u8, request.Seed);
        }

        if (request.IgnoreEos)
        {
            json.WriteBoolean("ignore_eos"u8, true);
        }

        if (request.OnDisconnect != OnDisconnect.Unspecified)
        {
            json.WriteString("on_disconnect"u8, request.OnDisconnect switch
            {
                OnDisconnect.Pause => DisconnectPolicies.Name(DisconnectPolicy.Pause),
                OnDisconnect.Cancel => DisconnectPolicies.Name(DisconnectPolicy.Cancel),
                OnDisconnect.Continue => DisconnectPolicies.Name(DisconnectPolicy.Continue),
                _ => "a policy that does not exist", // refused by the field's name
            });
        }

        WriteTexts(json, "stop", request.Stop);
        if (request.LogitBias.Count > 0)
        {
            json.WriteStartObject("logit_bias"u8);
            foreach (var (token, bias) in request.LogitBias)
            {
                WriteNumber(json, token.ToString(CultureInfo.InvariantCulture), true, bias);
            }

            json.WriteEndObject();
        }
    }

    private static void WriteConditions(Utf8JsonWriter json, StopConditions conditions)
    {
        json.WriteStartObject("stop_conditions"u8);
        if (conditions.Repetition is { } repetition)
        {
            json.WriteStartObject("repetition"u8);
            WriteNumber(json, "longest_period", repetition.HasLongestPeriod, repetition.LongestPeriod);
            WriteNumber(json, "least_repeats", repetition.HasLeastRepeats, repetition.LeastRepeats);
            WriteNumber(json, "least_tokens", repetition.HasLeastTokens, repetition.LeastTokens);
            json.WriteEndObject();
        }

        WriteNumber(json, "max_time", conditions.HasMaxTime, conditions.MaxTime);
        WriteTexts(json, "patterns", conditions.Patterns);
        WriteTexts(json, "words", conditions.Words);
        if (conditions.LowConfidence is { } confidence)
        {
            json.WriteStartObject("low_confidence"u8);
            WriteNumber(json, "mean_logprob", confidence.HasMeanLogprob, confidence.MeanLogprob);
            WriteNumber(json, "window", confidence.HasWindow, confidence.Window);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    private static ApiError? WriteTools(Utf8JsonWriter json, GenerateRequest request)
    {
        if (request.Tools.Count > 0)
        {
            json.WriteStartArray("tools"u8);
            for (var i = 0; i < request.Tools.Count; i++)
            {
                var tool = request.Tools[i];
                json.WriteStartObject();
                json.WriteString("type"u8, "function"u8);
                json.WriteStartObject("function"u8);
                json.WriteString("name"u8, tool.Name);
                WriteText(json, "description", tool.Description);
                if (tool.ParametersJson.Length > 0)
                {
                    if (!TryParseObject(tool.ParametersJson, out var parameters))
                    {
                        var field = string.Create(CultureInfo.InvariantCulture, $"tools[{i}].parameters_json");
                        return ApiError.Invalid(field, $"{field} must be a JSON object.");
                    }

                    json.WritePropertyName("parameters"u8);
                    parameters.WriteTo(json);
                }

                json.WriteEndObject();
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (request.HasParallelToolCalls)
        {
            json.WriteBoolean("parallel_tool_calls"u8, request.ParallelToolCalls);
        }

        switch (request.ToolChoice)
        {
            case "":
                break;
            case "auto" or "none" or "required":
                json.WriteString("tool_choice"u8, request.ToolChoice);
                break;
            default:
                json.WriteStartObject("tool_choice"u8);
                json.WriteString("type"u8, "function"u8);
                json.WriteStartObject("function"u8);
                json.WriteString("name"u8, request.ToolChoice);
                json.WriteEndObject();
                json.WriteEndObject();
                break;
        }

        return null;
    }

    private static bool TryParseObject(string text, out JsonElement value)
    {
        try
        {
            value = JsonElement.Parse(text);
            return value.ValueKind == JsonValueKind.Object;
        }
        catch (JsonException)
        {
            value = default;
            return false;
        }
    }

    private static void WriteText(Utf8JsonWriter json, string name, string value)
    {
        if (value.Length > 0)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteTexts(Utf8JsonWriter json, string name, RepeatedField<string> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, bool has, int value)
    {
        if (has)
        {
            json.WriteNumber(name, value);
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, bool has, float value)
    {
        if (!has)
        {
            return;
        }

        if (float.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteString(name, "not finite"); // JSON has no such number, and no field takes one: refused by its name
        }
    }
}
